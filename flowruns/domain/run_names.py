"""Names for flow runs that nobody named."""

import secrets

_ADJECTIVES = (
    "amber bold brave bright brisk calm candid clever copper cosmic crisp daring dapper eager "
    "early fancy fearless gentle gifted golden grand happy hardy honest humble jolly keen kind "
    "lively lucky mellow mighty modest nimble noble patient placid polite proud quick quiet "
    "rapid robust rustic serene silver sincere smart solid spry steady sunny swift tidy vivid "
    "warm wise witty zesty"
).split()
_NOUNS = (
    "albatross antelope badger beaver bison bobcat buffalo camel caribou cheetah condor cormorant "
    "coyote crane cricket dolphin dragonfly eagle egret falcon ferret finch flamingo fox gazelle "
    "gecko goose hamster hare hawk hedgehog heron ibex jackal jaguar kestrel koala lark lemur "
    "leopard lynx magpie marmot marten mongoose moose narwhal ocelot osprey otter owl panther "
    "pelican penguin puffin quail raven robin salmon seal sparrow stork swallow tapir tern toucan "
    "walrus weasel wombat wren yak zebra"
).split()


def new_run_name() -> str:
    """Draw a name such as "calm-otter"."""
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}"
