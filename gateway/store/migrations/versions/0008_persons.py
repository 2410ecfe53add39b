"""Whose mailbox an account is: claims of meetings are of mailboxes, not of accounts"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PERSON = (
    "hashtextextended(application_id || ' ' || service_type || ' ' || case when auth_user_id <> '' then "
    "coalesce(auth_org_id, '') || '/' || auth_user_id else lower(email) || '|' || "
    "regexp_replace(split_part(regexp_replace(lower(coalesce(server_url, '')), '^.*://', ''), '/', 1), ':[0-9]*$', '') "
    "end, 0) & 9223372036854775806"
)
#: One by one: where a mailbox that is connected twice was booked twice already, the later claim goes; its event stays.
_RENUMBER = """
do $$
declare claim record;
begin
    for claim in select c.meeting_id, c.account_id, a.person from meeting_claim c join account a on a.id = c.account_id
        order by c.meeting_id, c.account_id
    loop
        begin
            update meeting_claim set account = int8range(claim.person, claim.person, '[]')
            where meeting_id = claim.meeting_id and account_id = claim.account_id;
        exception when exclusion_violation then
            delete from meeting_claim where meeting_id = claim.meeting_id and account_id = claim.account_id;
        end;
    end loop;
end $$
"""


def upgrade() -> None:
    op.add_column("account", sa.Column("person", sa.BigInteger(), sa.Computed(_PERSON, persisted=True), nullable=False))
    op.execute(_RENUMBER)


def downgrade() -> None:
    op.execute("update meeting_claim set account = int8range(account_id, account_id, '[]')")
    op.drop_column("account", "person")
