"""A recorded sign-in and sync, made up from people: what an org says of them by REST, by Bulk and about itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from orgsync.cassettes.interaction import Interaction, RecordedRequest, RecordedResponse
from orgsync.records import long_id

LOGIN = "https://login.salesforce.com"
INSTANCE = "https://acme--uat.sandbox.my.salesforce.com"
ORG = long_id("00D7Q00000AbCdE")
ADMIN = long_id("0057Q00000XyZaB")
TOKEN = f"{ORG[:15]}!AQ8AQFzaT0k3nZ1bS.3xY_kWq9LmPoRsTuV"
SECOND_TOKEN = f"{ORG[:15]}!AQ8AQSecondTokenThatCameLater.x9"
REFRESH_TOKEN = "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrTkJpe9QzW"
CLIENT_ID = "3MVG9lKcPoNINVBIPJjdw1J9LLM82HnFVVX19KY1uA5mu0QqEWhqKpoW3svG3X"
CLIENT_SECRET = "1955279925675241571"
SECRETS = (TOKEN, SECOND_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET)
QUERY = "/services/data/v62.0/query"
JSON_TYPE = "application/json;charset=UTF-8"
FORM_TYPE = "application/x-www-form-urlencoded"
WHEN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Somebody who is a contact of the org's."""

    first: str
    last: str
    email: str
    phone: str
    birthdate: str
    street: str

    @property
    def name(self) -> str:
        """The name as Salesforce puts it together."""
        return f"{self.first} {self.last}"


ADA = Person(
    "Ada", "Lovelace", "ada.lovelace@analytical.example", "+44 (20) 7946-0958", "1815-12-10", "12 St James Sq\nFlat 4"
)
GRACE = Person("Grace", "O'Brien", "grace.obrien@navy.example", "(212) 555-0143", "1906-12-09", "9 Quai d'Orsay")


def interaction(
    path: str,
    body: object = "",
    *,
    method: str = "GET",
    origin: str = INSTANCE,
    query: Sequence[tuple[str, str]] = (),
    sent: object = "",
    request_headers: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Interaction:
    """Make an interaction; what is no text is sent or answered as JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    asked = sent if isinstance(sent, str) else json.dumps(sent)
    return Interaction(
        RecordedRequest(method, origin, path, tuple(query), dict(request_headers or {}), asked),
        RecordedResponse(status, {"content-type": JSON_TYPE, **(headers or {})}, text, "OK"),
        WHEN,
        0,
    )


def row(sobject: str, record_id: str, **values: object) -> dict[str, object]:
    """Make a record as REST answers it."""
    url = f"/services/data/v62.0/sobjects/{sobject}/{record_id}"
    return {"attributes": {"type": sobject, "url": url}, "Id": record_id, **values}


def page(*records: Mapping[str, object]) -> Interaction:
    """Make a page of records by REST."""
    return interaction(QUERY, {"totalSize": len(records), "done": True, "records": records})


def body_of(one: Interaction) -> str:
    """Give the answer's text."""
    assert isinstance(one.response.body, str)
    return one.response.body


def contact_id(number: int) -> str:
    """Give the id of a contact."""
    return long_id(f"0037Q00000C{number:04}")


def user_id(number: int) -> str:
    """Give the id of a user."""
    return long_id(f"0057Q00000U{number * 7919 % 9973:04}")


def token_request(form: Mapping[str, str], answer: Mapping[str, str]) -> Interaction:
    """Make a call of the token endpoint."""
    granted = {"instance_url": INSTANCE, "id": f"{LOGIN}/id/{ORG}/{ADMIN}", "token_type": "Bearer", "scope": "api"}
    return interaction(
        "/services/oauth2/token",
        {
            **answer,
            **granted,
            "issued_at": "1769854500000",
            "signature": "kvxZYp0syv636lBtZf4trNMGk90eUXO/7fBlkGBcTzA=",
        },
        method="POST",
        origin=LOGIN,
        sent=urlencode({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **form}),
        request_headers={"content-type": FORM_TYPE},
    )


def sign_in() -> list[Interaction]:
    """Make a sign-in by refresh token, and what the org reports about the user."""
    return [
        token_request({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}, {"access_token": TOKEN}),
        interaction(
            "/services/oauth2/userinfo",
            {
                "sub": f"{LOGIN}/id/{ORG}/{ADMIN}", "user_id": ADMIN, "organization_id": ORG, "nickname": "adminada",
                "preferred_username": "admin@acme.example.uat", "name": "Konrad Zuse", "email": "konrad@acme.example",
                "given_name": "Konrad", "family_name": "Zuse", "zoneinfo": "Europe/Berlin",
                "phone_number": "+49 30 901820",
                "photos": {"picture": "https://acme--uat--c.sandbox.vf.force.com/profilephoto/005/F"},
                "address": {"street_address": "Methfesselstr. 7", "postal_code": "10965", "country": "DE"},
                "profile": f"{INSTANCE}/{ADMIN}", "urls": {"rest": f"{INSTANCE}/services/data/v{{version}}/"},
                "active": True, "user_type": "STANDARD", "locale": "de_DE", "utcOffset": 3600000,
            },
            request_headers={"authorization": f"Bearer {TOKEN}"},
            headers={"set-cookie": "BrowserId=abc; domain=.salesforce.com", "x-request-id": "9e8c01196c2aa514"},
        ),
    ]  # fmt: skip


def describe() -> Interaction:
    """Make a describe of contacts, with a field of type e-mail whose name does not tell."""
    kinds = {
        "id": "Id", "string": "LastName FirstName Name", "email": "Email Reach__c", "phone": "Phone",
        "date": "Birthdate", "textarea": "MailingStreet Description", "currency": "Amount__c",
        "picklist": "LeadSource Salutation",
        "datetime": "SystemModstamp", "reference": "OwnerId",
    }  # fmt: skip
    types = {name: kind for kind, names in kinds.items() for name in names.split()}
    fields = [
        {
            "name": name, "type": kind, "soapType": "xsd:string",
            "referenceTo": ["User"] if kind == "reference" else [],
            "relationshipName": "Owner" if kind == "reference" else None, "picklistValues": [{"value": "Web"}],
            "extraTypeInfo": "personname" if name in ("Name", "Salutation") else None,
        }
        for name, kind in types.items()
    ]  # fmt: skip
    return interaction("/services/data/v62.0/sobjects/Contact/describe", {"fields": fields, "name": "Contact"})


def contacts(people: Sequence[Person]) -> Interaction:
    """Make a page of contacts by REST; each one's note repeats how another is reached."""
    records = [
        row(
            "Contact", contact_id(number), FirstName=one.first, LastName=one.last, Name=one.name, Email=one.email,
            Phone=one.phone, Birthdate=one.birthdate, Reach__c=None, LeadSource="Web", Amount__c=1.10,
            MailingAddress={"street": one.street, "city": "London", "postalCode": "SW1Y 4LB", "latitude": 51.5},
            Description=f"Ask {other.name}, {other.email} or {other.phone}; lives at {other.street}.",
            Owner={"attributes": {"type": "User", "url": f"/services/data/v62.0/sobjects/User/{user_id(number)}"},
                   "Email": one.email, "Name": one.name},
            OwnerId=user_id(number), SystemModstamp="2026-01-30T09:00:00.000+0000",
        )
        for number, (one, other) in enumerate(zip(people, [*people[1:], *people[:1]], strict=True))
    ]  # fmt: skip
    email, last = _literal(people[0].email), _literal(people[0].last)
    soql = f"SELECT Id FROM Contact WHERE Email = '{email}' AND LastName != '{last}'"
    return interaction(
        QUERY,
        {"totalSize": len(records), "done": True, "records": records},
        query=[("q", soql)],
        headers={"sforce-limit-info": "api-usage=69/5000000", "date": "Sat, 31 Jan 2026 10:15:00 GMT"},
    )


def bulk(people: Sequence[Person], *, ending: str = "\n") -> list[Interaction]:
    """Make a Bulk job over the same people, as CSV."""
    job = {"id": long_id("7507Q00000JobAa"), "object": "Contact", "state": "UploadComplete", "createdById": ADMIN}
    soql = "SELECT Id, Name, Email, Phone, Birthdate, MailingStreet, Owner.Name, Amount__c FROM Contact"
    header = ["Id", "Name", "Email", "Phone", "Birthdate", "MailingStreet", "Owner.Name", "Amount__c"]
    rows = [
        [contact_id(number), one.name, one.email, one.phone, one.birthdate, one.street, one.name, "1E+2"]
        for number, one in enumerate(people)
    ]
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) + ending for line in [header, *rows])
    base = "/services/data/v62.0/jobs/query"
    return [
        interaction(base, job, method="POST", sent={"operation": "queryAll", "query": soql}),
        interaction(f"{base}/{job['id']}/results", text, headers={"content-type": "text/csv"}),
    ]


def upsert(one: Person) -> Interaction:
    """Make an upsert by an external id that is an address, in a path that is percent-encoded."""
    path = f"/services/data/v62.0/sobjects/Contact/Private_Email__c/{quote(one.email, safe='')}"
    answer: list[dict[str, object]] = [
        {"message": f"duplicate: {one.email} is {one.name}", "errorCode": "DUPLICATE_VALUE", "fields": []}
    ]
    return interaction(path, answer, method="PATCH", sent={"LastName": one.last, "Phone": one.phone}, status=400)


def cassette(people: Sequence[Person]) -> list[Interaction]:
    """Make all of it, one after the other."""
    return [*sign_in(), describe(), contacts(people), *bulk(people), upsert(people[0])]


def everything(interactions: Sequence[Interaction]) -> str:
    """Write all texts of a cassette one below the other."""
    parts: list[str] = []
    for each in interactions:
        request, response = each.request, each.response
        parts += [request.origin, request.path, request.body, *(text for pair in request.query for text in pair)]
        parts += [*request.headers.values(), *response.headers.values()]
        parts.append(response.body if isinstance(response.body, str) else response.body.decode("latin-1"))
    return "\n".join(parts)


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _phone(form: str, number: int) -> str:
    return form.format(*f"{number}")


_WORDS = st.sampled_from(["zuse", "analytical", "difference-engine", "qq"])
_NAMES = st.one_of(
    st.sampled_from(["O'Brien", "Jean-Luc", "de la Cruz", "Nguyễn", "小龍丸", "Zoë🙂 Žižek", 'Qu"ote', "Back\\slash"]),
    st.text("äñßøqzx", min_size=4, max_size=9).map(str.title),
)
_EMAILS = st.builds(
    "{}{}@{}.example".format, st.sampled_from(["o'brien", "a.b+c", "zoë"]), st.integers(1, 99_999), _WORDS
)
_PHONES = st.builds(
    _phone,
    st.sampled_from(["+4{} (2{}) 79{}6-09{}{}{}", "({}12) {}{}{}-01{}{}", "21{}{}{}{}{}{}", "0{}/{}{}{} {}{}"]),
    st.integers(100_000, 999_999),
)
_STREETS = st.builds("{} {} Weg{}".format, st.integers(1000, 9999), _WORDS, st.sampled_from(["", "\nFlat 4"]))
_DATES = st.dates(date(1910, 1, 1), date(2010, 1, 1)).map(str)

people = st.lists(st.builds(Person, _NAMES, _NAMES, _EMAILS, _PHONES, _DATES, _STREETS), min_size=1, max_size=4)
"""People whose names, addresses and numbers are long enough to be found again in a text."""
