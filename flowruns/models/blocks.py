"""Blocks: configuration and secrets that flows load by name."""

from django.db import models

from flowruns.domain.ids import new_id


class BlockType(models.Model):
    """A kind of block, which clients know as a class of theirs by its slug."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField()
    slug = models.TextField(unique=True)
    logo_url = models.TextField(null=True, blank=True)
    documentation_url = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    code_example = models.TextField(null=True, blank=True)
    is_protected = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class BlockSchema(models.Model):
    """The fields that a block type has in one release of it.

    `fields` is the JSON text that the client sent, so that the fields keep their order.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    block_type = models.ForeignKey(BlockType, on_delete=models.CASCADE, related_name="schemas")
    checksum = models.TextField()
    version = models.TextField()
    fields = models.TextField()
    capabilities = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checksum", "version"], name="block_schema_once_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.checksum} {self.version}"


class BlockDocument(models.Model):
    """A block: the values of a schema's fields under a name that is unique within its type.

    `data` is a Fernet token of the JSON text, without the fields that are other blocks: those
    are `BlockReference`s. An anonymous block is one that a client made for itself.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField()
    block_type = models.ForeignKey(BlockType, on_delete=models.CASCADE, related_name="documents")
    block_schema = models.ForeignKey(
        BlockSchema, on_delete=models.CASCADE, related_name="documents"
    )
    is_anonymous = models.BooleanField(default=False)
    data = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["block_type", "name"], name="block_once_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class BlockReference(models.Model):
    """The field `name` of a block is another block, as long as that exists."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.TextField()
    parent = models.ForeignKey(BlockDocument, on_delete=models.CASCADE, related_name="references")
    child = models.ForeignKey(BlockDocument, on_delete=models.CASCADE, related_name="referrers")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], name="block_reference_once_a_field"),
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("child")), name="block_refers_to_another"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DefaultStorage(models.Model):
    """The block in which flows keep their results unless they say so: one row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    block = models.ForeignKey(BlockDocument, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_default_storage")]

    def __str__(self) -> str:
        return str(self.block_id)
