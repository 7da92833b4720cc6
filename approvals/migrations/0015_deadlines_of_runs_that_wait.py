from django.db import migrations, models

_OLD, _NEW = "Can extend the deadline of a suspended run", "Can extend the deadline of a run that waits"


def _rename(apps, name):
    """Django makes permissions that are missing, and changes no name of one that is there."""
    permissions = apps.get_model("auth", "Permission").objects
    permissions.filter(content_type__app_label="approvals", codename="extend_deadline").update(name=name)


def rename(apps, schema_editor):
    _rename(apps, _NEW)


def rename_back(apps, schema_editor):
    _rename(apps, _OLD)


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0014_what_waits_by_voter_and_flow'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='approval',
            options={'permissions': [('override_policy', 'Can decide against a policy'), ('extend_deadline', _NEW), ('view_all', 'Can see what only those who may answer see')]},
        ),
        migrations.RunPython(rename, rename_back),
        migrations.AlterModelOptions(
            name='grouphours',
            options={'verbose_name': 'working hours of a group', 'verbose_name_plural': 'working hours of groups'},
        ),
        migrations.AlterField(
            model_name='grouphours',
            name='line',
            field=models.TextField(),
        ),
    ]
