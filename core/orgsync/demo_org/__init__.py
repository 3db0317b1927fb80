"""A small Salesforce on loopback: real HTTP, real SOQL, seeded rows, and faults on request.

It answers as Salesforce answers, so that syncs and clients can be tried and tested without an org:

    with DemoOrg(contacts=25, accounts=5) as org:
        ...  # org.url, org.client_id, org.client_secret, org.refresh_token sign in

It shares nothing with the client side of orgsync but the error classes, so that both cannot share a mistake.
Needs the packages of `orgsync[demo]`.
"""

from .faults import Fault
from .fields import Scope
from .invocable import InvocableAction
from .new_fields import NewField, formula, key, lookup, picklist
from .org import DemoOrg, Request
from .quick_actions import QuickAction
from .refusal import Refusal
from .transaction import Transaction

__all__ = [
    "DemoOrg",
    "Fault",
    "InvocableAction",
    "NewField",
    "QuickAction",
    "Refusal",
    "Request",
    "Scope",
    "Transaction",
    "formula",
    "key",
    "lookup",
    "picklist",
]
