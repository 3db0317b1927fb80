"""What is said about cases: comments, and the feed with posts and tracked changes.

A post is a FeedItem. One of a case is also a row of CaseFeed, under the same Id: that is how Salesforce shows the feed
of one object.
"""

from dataclasses import replace

from .deals import owned
from .fields import Row, SObject, Value
from .standard_fields import AUDIT_FIELDS, checkbox, deleted_fields, link, picklist, read_only, record_id, text

FEED_TYPES = ("TextPost", "ContentPost", "LinkPost", "CallLogPost", "EmailMessageEvent", "TrackedChange",
              "CreateRecordEvent", "ChangeStatusPost")  # fmt: skip
_PARENTS = ("Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Product2", "User")

CASE_COMMENT = SObject(
    name="CaseComment", label="Case Comment", plural="Case Comments", prefix="00a", belongs_to=("Comment", "Case"),
    has_recent=False,
    fields=(
        record_id("Case Comment"), owned("ParentId", "Parent ID", "Case", "CaseComments"),
        checkbox("IsPublished", "Published"), text("CommentBody", "Body", 4000, "textarea"), *AUDIT_FIELDS,
        *deleted_fields("CaseComment", merges=False),
    ),
)  # fmt: skip

_FEED_FIELDS = (
    picklist("Type", "Feed Item Type", 40, FEED_TYPES), *AUDIT_FIELDS, *deleted_fields("FeedItem", merges=False),
    read_only("CommentCount", "Comment Count", "int"), read_only("LikeCount", "Like Count", "int"),
    text("Title", "Title", 255), text("Body", "Body", 10_000, "textarea"), text("LinkUrl", "Link Url", 1000, "url"),
    checkbox("IsRichText", "Is Rich Text"),
)  # fmt: skip

FEED_ITEM = SObject(
    name="FeedItem", label="Feed Item", plural="Feed Items", prefix="0D5", has_recent=False,
    fields=(
        record_id("Feed Item"), replace(link("ParentId", "Parent ID", _PARENTS, "Feeds", required=True),
        updateable=False, child_relationship=None), *_FEED_FIELDS,
    ),
)  # fmt: skip

CASE_FEED = SObject(
    name="CaseFeed", label="Case Feed", plural="Case Feed", prefix="0D5", createable=False, updateable=False,
    has_pages=False, belongs_to=("Feed", "Case"),
    fields=(
        record_id("Feed Item"), replace(owned("ParentId", "Parent ID", "Case", "Feeds"), createable=False),
        *(replace(field, createable=False, updateable=False) for field in _FEED_FIELDS),
    ),
)  # fmt: skip

FEEDS = {"CaseFeed": "FeedItem"}
"""What is a view of another object's rows, and of which."""


def tracked_change(before: Row, after: Row) -> dict[str, Value] | None:
    """Return the post that a change of a case's status leaves in its feed, if it is one."""
    if before.get("Status") == after.get("Status"):
        return None
    return {"ParentId": after["Id"], "Type": "TrackedChange"}
