-- The books: double entry, append only. Only the ledger room writes here.
--
-- An account has the id of the thing it belongs to: a user's `user_available` the user's id, a task's
-- `task_escrow` the task's id, a withdrawal's `withdrawal_hold` the withdrawal's id. The platform's three
-- accounts have the fixed ids below.

create table accounts (
    id                   {uuid} primary key,
    owner                {uuid} not null,
    kind                 {text} not null check ({kind one of 'user_available', 'task_escrow', 'withdrawal_hold', 'platform_fees', 'operator_capital', 'onchain'}),
    reference            {uuid} not null,
    balance              {int} not null check (balance >= 0 or kind = 'onchain'),
    entries              {int} not null check (entries >= 0), -- the seq of its newest entry
    -- With the id as its key nothing has two accounts; the platform's have no reference, but one of each kind.
    check (reference = id or {kind one of 'platform_fees', 'operator_capital', 'onchain'})
) {table};
create unique index accounts_of_the_platform on accounts (kind) where reference <> id;

create table transactions (
    id                   {uuid} primary key,
    kind                 {text} not null,
    reference            {uuid} not null,
    at                   {int} not null,
    actor                {uuid} not null, -- the user who did it; nil = the clock or the operator
    unique (kind, reference)
) {narrow};

create table postings (
    transaction_id       {uuid} not null,
    n                    {int} not null,
    from_account         {uuid} not null,
    to_account           {uuid} not null,
    amount               {int} not null check (amount > 0),
    primary key (transaction_id, n),
    check (from_account <> to_account)
) {narrow};

-- The statement of one account, numbered without gaps. Users' accounts get theirs with the transaction, by way of
-- `fresh_entries`; the platform's accounts by the sealing job; task escrows and withdrawal holds have none.
create table entries (
    account_id           {uuid} not null,
    seq                  {int} not null check (seq > 0),
    transaction_id       {uuid} not null,
    amount               {int} not null check (amount <> 0), -- signed
    balance_after        {int} not null,
    primary key (account_id, seq)
) {narrow};

-- Lines that are not in their place in `entries` yet, in the order in which they came: a command appends here, and the
-- sealing job moves them, many at a time. A statement is both tables together.
create table fresh_entries (
    transaction_id       {uuid} not null,
    account_id           {uuid} not null,
    seq                  {int} not null check (seq > 0),
    amount               {int} not null check (amount <> 0), -- signed
    balance_after        {int} not null,
    primary key (transaction_id, account_id, seq)
) {narrow};

-- Transactions that the sealing job has not linked into the chain yet. A platform account's balance is its row
-- in `accounts` plus its postings in the transactions named here.
create table unsealed (
    transaction_id       {uuid} primary key
) {narrow};

-- The hash chain: position 1 links to 32 zero bytes.
create table seals (
    position             {int} primary key check (position > 0),
    transaction_id       {uuid} not null unique,
    hash                 {bytes} not null
) {table};

create table chain_head (
    id                   {int} primary key check (id = 1),
    position             {int} not null,
    hash                 {bytes} not null
) {table};

{sqlite}
insert into accounts values
    (x'00000000000070008000000000000001', x'00000000000000000000000000000000', 'onchain', x'00000000000000000000000000000000', 0, 0),
    (x'00000000000070008000000000000002', x'00000000000000000000000000000000', 'platform_fees', x'00000000000000000000000000000000', 0, 0),
    (x'00000000000070008000000000000003', x'00000000000000000000000000000000', 'operator_capital', x'00000000000000000000000000000000', 0, 0);
insert into chain_head values (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');

create trigger transactions_no_update before update on transactions begin select raise(abort, 'transactions are immutable'); end;
create trigger transactions_no_delete before delete on transactions begin select raise(abort, 'transactions are immutable'); end;
create trigger postings_no_update before update on postings begin select raise(abort, 'postings are immutable'); end;
create trigger postings_no_delete before delete on postings begin select raise(abort, 'postings are immutable'); end;
create trigger entries_no_update before update on entries begin select raise(abort, 'entries are immutable'); end;
create trigger entries_no_delete before delete on entries begin select raise(abort, 'entries are immutable'); end;
create trigger fresh_entries_no_update before update on fresh_entries begin select raise(abort, 'entries are immutable'); end;
create trigger seals_no_update before update on seals begin select raise(abort, 'seals are immutable'); end;
create trigger seals_no_delete before delete on seals begin select raise(abort, 'seals are immutable'); end;
create trigger accounts_no_delete before delete on accounts begin select raise(abort, 'accounts stay'); end;
create trigger accounts_identity before update of id, owner, kind, reference on accounts begin select raise(abort, 'an account keeps its identity'); end;
{postgres}
insert into accounts values
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-0000-0000-000000000000', 'onchain', '00000000-0000-0000-0000-000000000000', 0, 0),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-0000-0000-000000000000', 'platform_fees', '00000000-0000-0000-0000-000000000000', 0, 0),
    ('00000000-0000-7000-8000-000000000003', '00000000-0000-0000-0000-000000000000', 'operator_capital', '00000000-0000-0000-0000-000000000000', 0, 0);
insert into chain_head values (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000');

create function ledger_is_immutable() returns trigger language plpgsql as
$$ begin raise exception '% of the ledger are immutable', tg_table_name using errcode = 'restrict_violation'; end $$;
create trigger immutable before update or delete or truncate on transactions for each statement execute function ledger_is_immutable();
create trigger immutable before update or delete or truncate on postings for each statement execute function ledger_is_immutable();
create trigger immutable before update or delete or truncate on entries for each statement execute function ledger_is_immutable();
create trigger no_update before update or truncate on fresh_entries for each statement execute function ledger_is_immutable();
create trigger immutable before update or delete or truncate on seals for each statement execute function ledger_is_immutable();
create trigger no_delete before delete or truncate on accounts for each statement execute function ledger_is_immutable();
create trigger identity before update of id, owner, kind, reference on accounts for each statement execute function ledger_is_immutable();
{end}
