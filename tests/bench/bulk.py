"""Conversations and messages by the million: a statement for each table, past the services, the same
text for both engines."""

import sqlite3

TYPES = {"sqlite": {"uuid": "text", "time": "text", "json": "text"},
         "postgresql": {"uuid": "uuid", "time": "timestamptz", "json": "jsonb"}}
# Of every conversation but the first.
MESSAGES_EACH = 50
# At most so many rows in a statement.
CHUNK = 1_000_000


def nth_uuid(kind, n):
    """As alma_load's: kinds are 0 for organizations, 1 for conversations, 2 for messages."""
    return f"0190f5fe-{str(kind) * 4}-7000-8000-{n:012d}"


def _uuid_sql(kind, n):
    return (f"cast('0190f5fe-{str(kind) * 4}-7000-8000-' || "
            f"substr(cast(1000000000000 + {n} as text), 2) as {{uuid}})")


# Seven conversations become active in a minute of November 2023.
_MINUTE = ("cast('2023-11-' || substr(cast(101 + i / 10080 as text), 2) || ' ' || "
           "substr(cast(100 + i / 420 % 24 as text), 2) || ':' || "
           "substr(cast(100 + i / 7 % 60 as text), 2) || ':00.000000+00' as {time})")


def _numbers(engine, first, end):
    if engine == "postgresql":
        return f"with numbers (i) as (select generate_series({first}::bigint, {end - 1}))"
    return (f"with recursive numbers (i) as (select {first} union all "
            f"select i + 1 from numbers where i + 1 < {end})")


def conversation_count(messages, of_the_first):
    return 1 + -(-(messages - of_the_first) // MESSAGES_EACH)


def _typed(engine, sql):
    for name, name_of_engine in TYPES[engine].items():
        sql = sql.replace("{" + name + "}", name_of_engine)
    return sql


def statements(engine, organization, messages, of_the_first=MESSAGES_EACH):
    """Conversations nth_uuid(1, i), of which the first has `of_the_first` of the `messages` and the
    others MESSAGES_EACH; messages are nth_uuid(2, i)."""
    conversations = conversation_count(messages, of_the_first)
    tenant = f"cast('{organization}' as {{uuid}})"
    conversation = f"case when i < {of_the_first} then 0 else 1 + (i - {of_the_first}) / {MESSAGES_EACH} end"
    index = f"case when i < {of_the_first} then i else (i - {of_the_first}) % {MESSAGES_EACH} end"
    content = "'Do you have a course that starts in March? I would like to know what it costs, thank you.'"
    count = f"case when i = 0 then {of_the_first} else {MESSAGES_EACH} end"
    parts = [
        (conversations,
         "insert into conversations (alma_internal_organization, uuid, external_participants, created_at, "
         "updated_at, origin, revision, message_count, last_message_at, last_message_index, activity_minute) "
         f"select {tenant}, {_uuid_sql(1, 'i')}, cast('[\"+49 1\"]' as {{json}}), {_MINUTE}, {_MINUTE}, 'bench', "
         f"i + 1, {count}, {_MINUTE}, {count} - 1, {_MINUTE} from numbers"),
        (conversations,
         "insert into conversation_participants (alma_internal_organization, conversation_uuid, kind, "
         "participant, joined_revision, joined_at, activity_minute) "
         f"select {tenant}, {_uuid_sql(1, 'i')}, 'EXTERNAL', '+49 1', i + 1, {_MINUTE}, {_MINUTE} from numbers"),
        (messages,
         "insert into messages (alma_internal_organization, uuid, sender_uuid, conversation_uuid, content, "
         "type, channel, created_at, updated_at, origin, message_index, revision) "
         f"select {tenant}, {_uuid_sql(2, 'i')}, {_uuid_sql(3, 1)}, {_uuid_sql(1, f'({conversation})')}, "
         f"{content}, 'TEXT', 'WHATSAPP', cast('2023-11-01 00:00:00.000000+00' as {{time}}), "
         "cast('2023-11-01 00:00:00.000000+00' as {time}), 'bench', "
         f"{index}, {conversations} + i + 1 from numbers"),
    ]
    for rows, sql in parts:
        for first in range(0, rows, CHUNK):
            yield _typed(engine, f"{_numbers(engine, first, min(first + CHUNK, rows))} {sql}")
    yield _typed(engine, "insert into revisions (alma_internal_organization, revision) values "
                         f"({tenant}, {conversations + messages})")


def many_organizations(organizations):
    """For PostgreSQL: organizations nth_uuid(0, i) with conversation nth_uuid(1, 0) each."""
    minute = "cast('2023-11-01 00:00:00.000000+00' as {time})"
    numbers = _numbers("postgresql", 0, organizations)
    yield _typed("postgresql",
                 f"{numbers} insert into conversations (alma_internal_organization, uuid, external_participants, "
                 "created_at, updated_at, origin, revision, message_count, activity_minute) "
                 f"select {_uuid_sql(0, 'i')}, {_uuid_sql(1, 0)}, cast('[]' as {{json}}), {minute}, {minute}, "
                 f"'bench', 1, 0, {minute} from numbers")
    yield _typed("postgresql", f"{numbers} insert into revisions (alma_internal_organization, revision) "
                               f"select {_uuid_sql(0, 'i')}, 1 from numbers")


def fill_sqlite(path, *arguments):
    """Into the file of a server that does not run."""
    connection = sqlite3.connect(path, isolation_level=None)
    mode = connection.execute("pragma journal_mode").fetchone()[0]
    for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -1000000", "locking_mode = exclusive"):
        connection.execute(f"pragma {pragma}").fetchall()
    for statement in statements("sqlite", *arguments):
        connection.execute(statement)
    connection.execute("analyze")
    connection.execute("pragma locking_mode = normal").fetchall()
    connection.execute(f"pragma journal_mode = {mode}").fetchall()
    connection.close()


def fill_postgresql(postgres, database, *arguments):
    for statement in statements("postgresql", *arguments):
        postgres.sql(database, f"set search_path = conversations; {statement}")
    postgres.sql(database, "vacuum analyze")
