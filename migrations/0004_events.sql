-- What happened to whom: one ordered log per user.

-- An event is appended here by the command that it tells of, and numbered by a job that moves it to `events`: a counter
-- per user in the command would make everybody who touches the same user wait.
create table fresh_events (
    batch                {uuid} not null, -- the command
    n                    {int} not null,
    id                   {uuid} not null,
    user_id              {uuid} not null,
    kind                 {text} not null,
    data                 {text} not null, -- a JSON object
    at                   {int} not null,
    primary key (batch, n)
) {narrow};

create table events (
    user_id              {uuid} not null,
    seq                  {int} not null check (seq > 0), -- 1, 2, 3 … without gaps
    id                   {uuid} not null,
    kind                 {text} not null,
    data                 {text} not null,
    at                   {int} not null,
    primary key (user_id, seq)
) {narrow};

-- One row: who numbers events holds its lock.
create table event_numbering (
    id                   {int} primary key check (id = 1)
) {table};
insert into event_numbering values (1);
