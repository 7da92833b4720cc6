"""Make all tables at once where there are none; a database of before takes the steps that it lacks.

These steps stay as long as databases are there that have taken a part of them.
"""

import django.db.models.deletion
import flowruns.domain.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [
        ('approvals', '0001_initial'),
        ('approvals', '0002_drafts'),
        ('approvals', '0003_uploads'),
        ('approvals', '0004_who_closed_approvals'),
        ('approvals', '0005_policies_and_votes'),
        ('approvals', '0006_where_votes_counted'),
        ('approvals', '0007_titles_facets_views_and_presence'),
        ('approvals', '0008_messages'),
        ('approvals', '0009_comments_and_held_votes'),
        ('approvals', '0010_channels_of_kinds'),
        ('approvals', '0011_approvals_of_other_servers'),
        ('approvals', '0012_steps_and_absences'),
        ('approvals', '0013_ways_of_votes_and_days_off'),
        ('approvals', '0014_what_waits_by_voter_and_flow'),
        ('approvals', '0015_deadlines_of_runs_that_wait'),
        ('approvals', '0016_counts_without_a_look_at_requesters'),
        ('approvals', '0017_history_by_person_and_flow'),
        ('approvals', '0018_count_history_by_index'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='absences', to=settings.AUTH_USER_MODEL)),
                ('stand_in', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stands_in', to=settings.AUTH_USER_MODEL)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('set_by', models.TextField()),
                ('set_at', models.DateTimeField(auto_now_add=True)),
                ('removed_by', models.TextField(blank=True)),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('removed_at__isnull', True)), fields=['stand_in', 'until'], name='absence_by_stand_in')],
                'constraints': [models.CheckConstraint(condition=models.Q(('since__lt', models.F('until'))), name='an_absence_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('person', models.F('stand_in')), _negated=True), name='nobody_stands_in_for_themselves')],
            },
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('connector', models.TextField(default='local')),
                ('flow_run_id', models.UUIDField()),
                ('pause_state_id', models.UUIDField()),
                ('pause_key', models.TextField(blank=True)),
                ('flow_name', models.TextField()),
                ('flow_run_name', models.TextField()),
                ('tags', models.JSONField(blank=True, default=list)),
                ('title', models.TextField(blank=True)),
                ('question', models.TextField(blank=True)),
                ('about', models.TextField(blank=True)),
                ('asks_for_input', models.BooleanField(default=False)),
                ('opened_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('neglected_at', models.DateTimeField(blank=True, null=True)),
                ('extended_by', models.TextField(blank=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('closed_by', models.TextField(blank=True)),
                ('outcome', models.CharField(choices=[('waiting', 'Waiting'), ('answered', 'Answered'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('withdrawn', 'Withdrawn')], default='waiting', max_length=16)),
                ('policies', models.JSONField(blank=True, default=list)),
                ('is_guarded', models.BooleanField(default=False)),
                ('is_hidden', models.BooleanField(default=False)),
                ('askers_known', models.BooleanField(default=True)),
                ('obstacle', models.TextField(blank=True)),
                ('is_unsettled', models.BooleanField(default=False)),
                ('asked_requester_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'permissions': [('override_policy', 'Can decide against a policy'), ('extend_deadline', 'Can extend the deadline of a run that waits'), ('view_all', 'Can see what only those who may answer see')],
                'indexes': [models.Index(condition=models.Q(('outcome', 'waiting')), fields=['expires_at', 'opened_at', 'id', 'is_hidden', 'is_guarded', 'askers_known', 'flow_name', 'outcome'], name='approval_waiting'), models.Index(fields=['flow_run_id'], name='approval_by_flow_run'), models.Index(condition=models.Q(('is_unsettled', True)), fields=['id'], name='approval_unsettled'), models.Index(condition=models.Q(('outcome', 'waiting'), models.Q(('obstacle', ''), _negated=True)), fields=['opened_at'], name='approval_obstructed'), models.Index(condition=models.Q(('outcome', 'waiting'), _negated=True), fields=['-closed_at', '-id', 'outcome', 'is_hidden'], name='approval_closed'), models.Index(condition=models.Q(('outcome', 'waiting'), _negated=True), fields=['flow_name', '-closed_at', '-id', 'outcome', 'is_hidden'], name='approval_closed_of_flow'), models.Index(fields=['is_hidden', 'flow_name', 'outcome'], name='approval_by_flow')],
                'constraints': [models.UniqueConstraint(fields=('connector', 'pause_state_id'), name='one_approval_per_pause'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('outcome', 'waiting')), models.Q(models.Q(('outcome', 'waiting'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='an_approval_waits_until_closed')],
            },
        ),
        migrations.CreateModel(
            name='GroupHours',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='auth.group')),
                ('line', models.TextField()),
            ],
            options={
                'verbose_name': 'working hours of a group',
                'verbose_name_plural': 'working hours of groups',
            },
        ),
        migrations.CreateModel(
            name='DayOff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='days_off', to='auth.group')),
                ('name', models.CharField(blank=True, help_text="Such as: New Year's Day", max_length=100)),
            ],
            options={
                'verbose_name_plural': 'days off',
                'constraints': [models.UniqueConstraint(fields=('day', 'group'), name='one_day_off_per_group'), models.UniqueConstraint(condition=models.Q(('group', None)), fields=('day',), name='one_day_off_for_everybody')],
            },
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='profile', to=settings.AUTH_USER_MODEL)),
                ('zone', models.TextField(default='UTC')),
                ('hours', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='channels', to=settings.AUTH_USER_MODEL)),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='channels', to='auth.group')),
                ('name', models.TextField(blank=True)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('slack', 'Slack'), ('push', 'Browser'), ('teams', 'Teams workflow'), ('apprise', 'Apprise')], default='email', max_length=8)),
                ('address', models.TextField(blank=True)),
                ('mark', models.CharField(blank=True, max_length=64)),
                ('verified_by', models.TextField(blank=True)),
                ('is_on', models.BooleanField(default=True)),
                ('muted_until', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'kind', 'mark'), name='one_channel_of_a_kind_per_user'), models.UniqueConstraint(condition=models.Q(('name', ''), _negated=True), fields=('name',), name='one_channel_of_a_name'), models.CheckConstraint(condition=models.Q(models.Q(('group__isnull', True), ('name', ''), ('user__isnull', False)), models.Q(('user__isnull', True), models.Q(('name', ''), _negated=True)), _connector='OR'), name='channel_of_a_person_or_of_many')],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(unique=True)),
                ('url', models.TextField(verbose_name='URL')),
                ('secrets', models.TextField(editable=False)),
                ('is_on', models.BooleanField(default=True)),
                ('disabled_because', models.TextField(blank=True, editable=False)),
                ('claimed_until', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.TextField(unique=True)),
                ('line', models.TextField(help_text='Such as: 2 of @finance + 1 of @data, not the requester')),
                ('flow', models.TextField(blank=True, help_text='The name of a flow; any where it is empty.')),
                ('deployment', models.TextField(blank=True, help_text='As flow/deployment; any where empty.')),
                ('tag', models.TextField(blank=True, help_text='A tag of the run; any where it is empty.')),
                ('requester_from', models.TextField(blank=True, help_text='Where a run names who asked for it: parameters.NAME or labels.NAME.')),
            ],
            options={
                'verbose_name_plural': 'policies',
            },
        ),
        migrations.CreateModel(
            name='Vanishing',
            fields=[
                ('connector', models.TextField(primary_key=True, serialize=False)),
                ('flow_run_ids', models.JSONField(default=list)),
                ('found_at', models.DateTimeField()),
                ('is_confirmed', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(max_length=60)),
                ('query', models.TextField()),
                ('is_shared', models.BooleanField(default=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner', 'name'), name='one_view_per_owner_and_name')],
            },
        ),
        migrations.CreateModel(
            name='Facet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='facets', to='approvals.approval')),
                ('kind', models.CharField(choices=[('flow', 'Flow'), ('tag', 'Tag'), ('policy', 'Policy'), ('server', 'Server')], max_length=8)),
                ('name', models.TextField()),
                ('is_hidden', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(fields=['kind', 'name', 'is_hidden', 'approval'], name='facet_by_name')],
            },
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presences', to='approvals.approval')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presences', to=settings.AUTH_USER_MODEL)),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('approval', 'user'), name='one_presence_per_approval_and_user')],
            },
        ),
        migrations.CreateModel(
            name='Asker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='askers', to='approvals.approval')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField()),
            ],
            options={
                'indexes': [models.Index(fields=['approval', 'user'], name='asker_by_approval')],
            },
        ),
        migrations.CreateModel(
            name='AskedSchema',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked_schemas', to='approvals.approval')),
                ('digest', models.CharField(max_length=64)),
                ('schema', models.TextField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('approval', 'digest'), name='one_schema_per_digest')],
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='approvals.approval')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comments', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField()),
                ('text', models.TextField(blank=True)),
                ('asks_requester', models.BooleanField(default=False)),
                ('written_at', models.DateTimeField()),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['approval', 'written_at'], name='comment_by_approval')],
            },
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='approvals.approval')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to=settings.AUTH_USER_MODEL)),
                ('fields', models.TextField(default='[]')),
                ('schema_digest', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('approval', 'reviewer'), name='one_draft_per_approval_and_reviewer')],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to='approvals.approval')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField()),
                ('size', models.PositiveIntegerField()),
                ('content', models.BinaryField()),
                ('kept_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['kept_at'], name='upload_by_age')],
            },
        ),
        migrations.CreateModel(
            name='HandOver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hand_overs', to='approvals.approval')),
                ('by_name', models.TextField()),
                ('to_name', models.TextField()),
                ('note', models.TextField(blank=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='PutOff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='put_offs', to='approvals.approval')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='put_offs', to=settings.AUTH_USER_MODEL)),
                ('until', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'approval'), name='one_put_off_per_user')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='approvals.webhook')),
                ('approval', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='approvals.approval')),
                ('event', models.CharField(max_length=24)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('next_try_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('outcome', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('skipped', 'Skipped'), ('dead', 'Dead')], default='waiting', max_length=8)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('why', models.TextField(blank=True)),
            ],
            options={
                'verbose_name_plural': 'webhook deliveries',
                'indexes': [models.Index(condition=models.Q(('outcome', 'waiting')), fields=['next_try_at'], name='webhook_delivery_waiting')],
                'constraints': [models.UniqueConstraint(fields=('webhook', 'approval', 'event'), name='one_delivery_per_webhook_and_event')],
            },
        ),
        migrations.CreateModel(
            name='Seat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seats', to='approvals.approval')),
                ('line', models.PositiveSmallIntegerField()),
                ('part', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(max_length=8)),
                ('name', models.TextField(blank=True)),
                ('bars_askers', models.BooleanField(default=False)),
                ('is_open', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(fields=['kind', 'name', 'is_open', 'approval'], name='seat_by_who')],
            },
        ),
        migrations.CreateModel(
            name='Vote',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to='approvals.approval')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='votes', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField()),
                ('is_key', models.BooleanField(default=False)),
                ('for_whom', models.TextField(blank=True)),
                ('kind', models.CharField(choices=[('yes', 'Answer'), ('no', 'Rejection'), ('override', 'Decision against the policy')], max_length=8)),
                ('answer', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('seen_digest', models.CharField(blank=True, max_length=64)),
                ('sat_in', models.JSONField(blank=True, default=list)),
                ('is_signed', models.BooleanField(default=False)),
                ('via', models.CharField(choices=[('desk', 'the desk'), ('slack', 'Slack'), ('api', 'the API')], db_default='desk', default='desk', max_length=8)),
                ('at', models.DateTimeField()),
                ('takes_effect_at', models.DateTimeField(blank=True, null=True)),
                ('is_open', models.BooleanField(db_default=True, default=True)),
                ('voided_at', models.DateTimeField(blank=True, null=True)),
                ('voided_because', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(fields=['approval', 'reviewer'], name='vote_by_approval'), models.Index(condition=models.Q(('takes_effect_at__isnull', True), ('voided_at__isnull', True), ('is_key', False), ('is_open', True)), fields=['name', 'approval'], name='vote_open_by_name'), models.Index(condition=models.Q(('takes_effect_at__isnull', True), ('voided_at__isnull', True), ('is_key', False), ('is_open', True), models.Q(('for_whom', ''), _negated=True)), fields=['for_whom', 'approval'], name='vote_open_for_whom'), models.Index(condition=models.Q(('takes_effect_at__isnull', False), ('voided_at__isnull', True)), fields=['takes_effect_at'], name='vote_held'), models.Index(condition=models.Q(('takes_effect_at__isnull', False), ('voided_at__isnull', True)), fields=['reviewer', 'takes_effect_at'], name='vote_held_by')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('takes_effect_at__isnull', True), ('voided_at__isnull', True)), fields=('approval', 'name', 'is_key'), name='one_standing_vote_per_voter'), models.UniqueConstraint(condition=models.Q(('takes_effect_at__isnull', False), ('voided_at__isnull', True)), fields=('approval', 'name', 'is_key'), name='one_held_vote_per_voter')],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='decision', to='approvals.approval')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='decisions', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.TextField()),
                ('decided_at', models.DateTimeField()),
                ('answer', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('description', models.TextField(blank=True)),
                ('schema', models.TextField(blank=True)),
                ('overrode', models.BooleanField(default=False)),
                ('via', models.CharField(choices=[('desk', 'the desk'), ('slack', 'Slack'), ('api', 'the API')], db_default='desk', default='desk', max_length=8)),
            ],
            options={
                'indexes': [models.Index(fields=['decided_by', '-decided_at', '-approval'], name='decision_by_name')],
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('approval', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='snapshot', serialize=False, to='approvals.approval')),
                ('schema', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('policy', models.TextField(null=True)),
                ('run', models.JSONField()),
                ('deployment_name', models.TextField(blank=True)),
                ('is_served', models.BooleanField(default=False)),
                ('states', models.JSONField(default=list)),
                ('logs', models.JSONField(default=list)),
                ('log_count', models.PositiveIntegerField(default=0)),
                ('artifacts', models.JSONField(default=list)),
                ('is_deleted', models.BooleanField(default=False)),
                ('read_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='approvals.approval')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField()),
                ('kind', models.CharField(choices=[('answer', 'Answer'), ('reject', 'Rejection')], max_length=8)),
                ('value', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('via', models.CharField(choices=[('desk', 'the desk'), ('slack', 'Slack'), ('api', 'the API')], db_default='desk', default='desk', max_length=8)),
                ('step', models.CharField(choices=[('new', 'Not sent'), ('claimed', 'Claimed the pause'), ('moved', 'Moved the run'), ('settled', 'Settled')], default='new', max_length=8)),
                ('outcome', models.CharField(choices=[('open', 'Not known yet'), ('done', 'Done'), ('lost', 'Too late'), ('refused', 'Refused')], default='open', max_length=8)),
                ('words', models.TextField(blank=True)),
                ('problems', models.JSONField(default=list)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('next_try_at', models.DateTimeField()),
                ('held_until', models.DateTimeField(blank=True, null=True)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('step', 'settled'), _negated=True), fields=['next_try_at'], name='attempt_due')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('step', 'settled'), _negated=True), fields=('approval',), name='one_open_attempt_per_approval')],
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approval', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='approvals.approval')),
                ('kind', models.CharField(choices=[('remind', 'Remind'), ('ask', 'Ask others, too'), ('last call', 'Last call'), ('reject', 'Reject'), ('answer', 'Answer')], max_length=12)),
                ('origin', models.TextField(blank=True)),
                ('line', models.PositiveSmallIntegerField(null=True)),
                ('text', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('taken_at', models.DateTimeField(blank=True, null=True)),
                ('problem', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('taken_at__isnull', True)), fields=['at'], name='step_due')],
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=flowruns.domain.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('approval', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='approvals.approval')),
                ('comment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='approvals.comment')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='approvals.channel')),
                ('kind', models.CharField(choices=[('waits', 'Waits for an answer'), ('reminder', 'Waits still'), ('last call', 'Waits, and ends soon'), ('ended', 'Ended, to whoever was asked'), ('outcome', 'Ended, to the requester'), ('obstructed', 'Nobody can answer'), ('overridden', 'Decided against the policy'), ('undelivered', 'A message is dead'), ('mentioned', 'Mentioned in a comment'), ('asked', 'A question to the requester'), ('replied', "The requester's reply"), ('test', 'Test'), ('code', 'Code that links an account')], max_length=12)),
                ('content', models.JSONField(default=dict)),
                ('step', models.PositiveBigIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('next_try_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('outcome', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('skipped', 'Skipped'), ('dead', 'Dead')], default='waiting', max_length=8)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('why', models.TextField(blank=True)),
                ('receipt', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('outcome', 'waiting')), fields=['next_try_at'], name='notification_waiting'), models.Index(fields=['outcome', '-id'], name='notification_by_outcome')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('comment__isnull', True)), fields=('approval', 'channel', 'kind', 'step'), name='one_notification_per_event'), models.UniqueConstraint(fields=('comment', 'channel'), name='one_notification_per_comment')],
            },
        ),
    ]
