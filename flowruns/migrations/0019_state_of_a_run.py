"""Tell Django that the state in a run's row is a row of its history; no table changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flowruns", "0018_confidential_inputs_and_growth")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                operation
                for run in ("flowrun", "taskrun")
                for operation in (
                    migrations.RemoveField(model_name=run, name="state_id"),
                    migrations.AddField(
                        model_name=run,
                        name="state",
                        field=models.ForeignKey(
                            blank=True,
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=f"flowruns.{run}state",
                        ),
                    ),
                )
            ]
        )
    ]
