"""SOQL's grammar as lark reads it, and what SOQL has that it leaves out."""

_CALLS = (
    "(calendar|fiscal)_(month|quarter|year)", "day_in_(month|week|year)", "day_only", "hour_in_day",
    "week_in_(month|year)", "format", "tolabel", "convertcurrency", "converttimezone",
)  # fmt: skip
GRAMMAR = r"""
query: SELECT item ("," item)* FROM NAME [AS? NAME] [USING_SCOPE] _clauses
_clauses: [where] [WITH_MODE] [group] [order] [limit] [offset] [FOR_USE]
?item: selected | fields_of | typeof | "(" query ")"
selected: operand [NAME]
?operand: path | call | aggregate
path: NAME
fields_of: FIELDS "(" NAME ")"
aggregate: FUNCTION "(" [path] ")"
call: CALL "(" operand ")"
typeof: TYPEOF path when+ [ELSE paths] END
when: WHEN NAME THEN paths
paths: path ("," path)*

where: WHERE condition
?condition: conjunction | disjunction | term
conjunction: term (AND term)+
disjunction: term (OR term)+
?term: NOT term -> negation | "(" condition ")" | comparison
comparison: operand OPERATOR literal -> compare
          | operand LIKE literal -> compare
          | operand MEMBER "(" literal ("," literal)* ")" -> compare_many
          | operand MEMBER "(" query ")" -> join

literal: STRING | DATETIME | DATE | NUMBER | BOOLEAN | NULL | NAMED_DATE

group: GROUP_BY operand ("," operand)* [having]
having: HAVING condition
order: ORDER_BY ordering ("," ordering)*
ordering: operand [DIRECTION] [NULLS]
limit: LIMIT NUMBER
offset: OFFSET NUMBER

SELECT.3: /select\b/i
FROM.3: /from\b/i
AS.3: /as\b/i
WHERE.3: /where\b/i
AND.3: /and\b/i
OR.3: /or\b/i
NOT.3: /not\b/i
LIKE.3: /like\b/i
MEMBER.4: /(not\s+in|in|includes|excludes)\b/i
GROUP_BY.3: /group\s+by\b/i
ORDER_BY.3: /order\s+by\b/i
DIRECTION.3: /(asc|desc)\b/i
NULLS.3: /nulls\s+(first|last)\b/i
USING_SCOPE.4: /using\s+scope\s+(everything|mine)\b/i
WITH_MODE.4: /with\s+(security_enforced|user_mode|system_mode)\b/i
FOR_USE.4: /for\s+(view|reference|update)\b/i
LIMIT.3: /limit\b/i
OFFSET.3: /offset\b/i
FIELDS.3: /fields(?=\s*\()/i
HAVING.3: /having\b/i
TYPEOF.3: /typeof\b/i
WHEN.3: /when\b/i
THEN.3: /then\b/i
ELSE.3: /else\b/i
END.3: /end\b/i
CALL.3: /(__CALLS__)(?=\s*\()/i
FUNCTION.3: /(count_distinct|count|min|max|sum|avg)(?=\s*\()/i
BOOLEAN.3: /(true|false)\b/i
NULL.3: /null\b/i
NAMED_DATE.2: /[a-z][a-z_0-9]*(:\d+)?\b/i
NAME: /(?!(select|from|where|and|or|not|in|like|limit|null|having)\b)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*/i
OPERATOR: "<=" | ">=" | "!=" | "<>" | "=" | "<" | ">"
STRING: /'(\\.|[^'\\])*'/s
DATETIME.5: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.4: /\d{4}-\d\d-\d\d/
NUMBER.3: /[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
%ignore /\s+/
""".replace("__CALLS__", "|".join(_CALLS))

UNKNOWN = (
    (r"\bgroup\s+by\s+(rollup|cube)\b|\bgrouping\s*\(", "know GROUP BY ROLLUP and GROUP BY CUBE"),
    (r"\b(distance|geolocation)\s*\(", "know the function {0}()"),
    (r"^\s*find\b", "know SOSL (FIND)"),
    (r"\b(?:using\s+scope\s+(\w+))", "know USING SCOPE {0}"),
    (r"\bwith\s+(data\s+category|\w+)", "know WITH {0}"),
    (r"\bupdate\s+(tracking|viewstat)\b", "know UPDATE {0}"),
)
"""What SOQL has and the grammar has not: a pattern, and its name in the demo org's refusal."""
