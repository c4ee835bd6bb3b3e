-- Money that comes in and goes out: deposit addresses, deposits, withdrawals, and what the gateway knows and did on the
-- chain. USDT in micro, TRX in sun. Addresses are 21 bytes (0x41 first), block and transaction ids 32. A `state` or
-- `status` moves only with a row in the table of steps beside it.

create table deposit_addresses (
    idx                  {int} primary key check (idx >= 0), -- the index of derivation
    address              {bytes} not null unique,
    user_id              {uuid} not null unique,
    units                {int} not null check (units >= 0), -- what lies there, as the solid chain says
    created_at           {int} not null
) {table};
create index deposit_addresses_by_units on deposit_addresses (units) where units > 0;

-- One row, from when the gateway has begun to read the chain: who gives an address away holds its lock.
create table deposit_address_counter (
    id                   {int} primary key check (id = 1),
    next                 {int} not null
) {table};

create table deposits (
    id                   {uuid} primary key, -- made from the transaction and the log index; also the reference in the books
    txid                 {bytes} not null,
    log_index            {int} not null,
    block                {int} not null,
    sender               {bytes} not null,
    address              {bytes} not null,
    user_id              {uuid} not null,
    amount               {int} not null check (amount >= 0),
    raw_amount           {text}, -- hex, where it does not fit into amount
    status               {text} not null check ({status one of 'credited', 'below_minimum', 'held_for_review', 'orphan_address'}),
    seen_at              {int} not null,
    credited_at          {int},
    unique (txid, log_index)
) {table};
create index deposits_by_user on deposits (user_id, block, id);
create index deposits_waiting on deposits (user_id) where status <> 'credited';

create table withdrawals (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    address              {bytes} not null,
    amount               {int} not null check (amount > 0), -- what is held
    fee                  {int} not null check (fee >= 0),
    status               {text} not null check ({status one of 'queued', 'in_review', 'sending', 'completed', 'rejected', 'cancelled', 'refunded'}),
    reason               {text} not null,
    cleared_at           {int}, -- when the risk rules or admins let it go out
    txid                 {bytes},
    created_at           {int} not null,
    due_at               {int}, -- of a review: when the clock releases it
    check (fee < amount)
) {table};
create index withdrawals_by_user on withdrawals (user_id, id);
create index withdrawals_waiting on withdrawals (status, id) where status = 'queued' or status = 'in_review';
create index withdrawals_by_clearing on withdrawals (cleared_at) where cleared_at is not null;

create table withdrawal_steps (
    withdrawal_id        {uuid} not null,
    n                    {int} not null,
    status               {text} not null,
    at                   {int} not null,
    reason               {text} not null,
    primary key (withdrawal_id, n)
) {narrow};

-- Users whose withdrawals an admin wants to see.
create table flagged_users (
    user_id              {uuid} primary key,
    at                   {int} not null
) {table};

create table withdrawal_approvals (
    withdrawal_id        {uuid} not null,
    admin_id             {uuid} not null,
    at                   {int} not null,
    primary key (withdrawal_id, admin_id)
) {narrow};

-- How far the solid chain was read, and what our wallets hold there. One row, from the first start on.
create table chain_cursor (
    id                   {int} primary key check (id = 1),
    number               {int} not null,
    hash                 {bytes} not null,
    at                   {int} not null, -- chain time
    read_at              {int} not null,
    hot                  {int} not null,
    cold                 {int} not null,
    total                {int} not null  -- hot, cold and every deposit address
) {table};

create table chain_blocks (
    number               {int} primary key,
    hash                 {bytes} not null,
    parent               {bytes} not null,
    at                   {int} not null
) {table};

-- Something that has to happen on the chain. Its attempts are transactions; at most one of them lives.
create table orders (
    id                   {uuid} primary key, -- of a payout: that of its withdrawal
    kind                 {text} not null check ({kind one of 'payout', 'sweep', 'top_up', 'float_out', 'faucet'}),
    asset                {text} not null check ({asset one of 'usdt', 'trx'}),
    owner                {bytes} not null,
    recipient            {bytes} not null,
    amount               {int} not null check (amount > 0),
    state                {text} not null check ({state one of 'approved', 'signed', 'in_flight', 'confirmed', 'refunded', 'dropped', 'needs_operator'}),
    attempts             {int} not null,
    failures             {int} not null, -- attempts that failed on the chain
    fee_limit            {int} not null, -- sun; 0 = not estimated yet
    problem              {text} not null,
    created_at           {int} not null,
    next_at              {int} not null -- not signed before
) {table};
create index orders_by_state on orders (state, id);
create index orders_by_owner on orders (owner, id);

create table order_steps (
    order_id             {uuid} not null,
    n                    {int} not null,
    state                {text} not null,
    at                   {int} not null,
    detail               {text} not null,
    primary key (order_id, n)
) {narrow};

create table attempts (
    txid                 {bytes} primary key,
    order_id             {uuid} not null,
    n                    {int} not null,
    signed               {bytes} not null,
    ref_number           {int} not null,
    expires_at           {int} not null, -- chain time
    fee_limit            {int} not null,
    state                {text} not null check ({state one of 'live', 'confirmed', 'failed', 'dead'}),
    sends                {int} not null,
    sent_at              {int},
    last_reply           {text} not null,
    fee_paid             {int} not null,
    block                {int},  -- where it ended on the solid chain
    proof_number         {int},  -- of a dead one: the cursor that proves it
    proof_hash           {bytes},
    proof_at             {int},
    created_at           {int} not null,
    unique (order_id, n)
) {table};
create unique index attempts_live on attempts (order_id) where state = 'live';

-- Each solid transaction that left one of our addresses.
create table outgoing_seen (
    txid                 {bytes} not null,
    log_index            {int} not null, -- -1: one without a log
    block                {int} not null,
    owner                {bytes} not null,
    recipient            {bytes},
    amount               {int} not null,
    outcome              {text} not null,
    known                {bool} not null, -- one of our attempts
    primary key (txid, log_index)
) {table};
create index outgoing_unknown on outgoing_seen (block) where not known;

-- Why nothing is signed. Empty: all is well.
create table freezes (
    reason               {text} primary key check ({reason one of 'operator', 'audit', 'balance', 'unknown_payment', 'disagreement', 'broken_chain', 'stale_chain'}),
    detail               {text} not null,
    since                {int} not null
) {table};

create table gateway_lease (
    id                   {int} primary key check (id = 1),
    holder               {uuid} not null,
    token                {int} not null,
    until                {int} not null
) {table};

{sqlite}
insert into gateway_lease values (1, x'00000000000000000000000000000000', 0, 0);
create trigger attempts_bytes before update of txid, order_id, n, signed, ref_number, expires_at on attempts
    begin select raise(abort, 'what was signed stays'); end;
create trigger attempts_no_delete before delete on attempts begin select raise(abort, 'attempts stay'); end;
{postgres}
insert into gateway_lease values (1, '00000000-0000-0000-0000-000000000000', 0, 0);
create function attempts_stay() returns trigger language plpgsql as
$$ begin raise exception 'what was signed stays' using errcode = 'restrict_violation'; end $$;
create trigger bytes before update of txid, order_id, n, signed, ref_number, expires_at on attempts for each statement execute function attempts_stay();
create trigger no_delete before delete or truncate on attempts for each statement execute function attempts_stay();
{end}
