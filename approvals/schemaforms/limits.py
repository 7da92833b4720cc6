"""What one form may cost, whatever its schema or its answer contains."""

# Levels of nesting shown as fields; below them a JSON editor takes over.
MAX_DEPTH = 20

# Fields that one form shows at once before its larger groups become JSON editors.
MAX_FIELDS = 3_000

# Rules that hold only after certain answers, whether inside one another or side by side.
MAX_CONDITIONS = 1_000

# Rows of one list that are shown as fields.
MAX_ROWS = 250

# Blank rows put down for a list that asks for at least so many.
MAX_PREFILLED_ROWS = 10

# JSON values in an initial list or dictionary that are still spread over fields.
MAX_INITIAL_NODES = 3_000

# References followed and parts merged while one schema is read.
MAX_SCHEMA_STEPS = 50_000

# Alternatives of one union that are offered as buttons.
MAX_BRANCHES = 100

MAX_RADIO_OPTIONS = 4
# Above it an option is searched for by its label.
MAX_SELECT_OPTIONS = 50

# Options that one search shows.
MAX_FOUND_OPTIONS = 20

# Characters of a search that are looked at.
MAX_QUERY_LENGTH = 200

# Time that one search may take; what it has not reached by then is found by its whole label.
MAX_SEARCH_SECONDS = 0.5

# Levels of nesting in JSON that a person types.
MAX_JSON_DEPTH = 64

# Characters of a number; Python refuses to read integers of more than 4,300 digits.
MAX_NUMBER_LENGTH = 1_000

MAX_FILE_BYTES = 5_000_000
MAX_FILE_NAME = 200

# Time that all checks of one form may take together.
MAX_CHECKS_SECONDS = 2.0

# JSON values of one question that are compared to tell whether it has changed.
MAX_COMPARED_NODES = 5_000

# Characters of one description that are shown.
MAX_HELP_LENGTH = 20_000

MAX_LABEL_LENGTH = 300
# Characters of one answer in a list of answers.
MAX_SHOWN_VALUE = 2_000

MAX_CACHED_SCHEMAS = 64
# Characters of a schema that is kept in memory for its next form, and how many are.
MAX_CACHED_SCHEMA = 300_000

# Things that are kept about one schema.
MAX_CACHED_FINDINGS = 30_000
