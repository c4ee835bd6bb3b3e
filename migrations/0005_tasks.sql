-- The marketplace: tasks, who works on them, what was handed in and decided.

-- A task without its texts: this row changes with every slot. Money that is not settled lies in the account with the
-- task's id: (slots_total - slots_filled - slots_refunded) x reward.
create table tasks (
    id                   {uuid} primary key,
    creator_id           {uuid} not null,
    status               {text} not null check ({status one of 'open', 'closing', 'completed', 'expired', 'cancelled'}),
    closed_by            {text} not null check ({closed_by one of '', 'creator', 'clock', 'operator'}),
    category             {text} not null,
    worker_type          {text} not null check ({worker_type one of 'any', 'human', 'bot'}),
    min_rating           {int}, -- hundredths of a star
    reward               {int} not null check (reward > 0), -- per slot
    fee_bp               {int} not null check (fee_bp between 0 and 10000), -- of the reward, basis points
    commission_bp        {int} not null check (commission_bp between 0 and 5000), -- of the fee, for each referrer
    slots_total          {int} not null check (slots_total > 0),
    slots_live           {int} not null check (slots_live >= 0), -- held by an acceptance that is not settled
    slots_filled         {int} not null check (slots_filled >= 0), -- paid
    slots_refunded       {int} not null check (slots_refunded >= 0), -- paid back
    rejections           {int} not null check (rejections >= 0),
    deadline_minutes     {int} not null,
    review_hours         {int} not null, -- the review window, fixed at publish
    max_resubmissions    {int} not null,
    proof_url            {text} not null check ({proof_url one of 'none', 'optional', 'required'}),
    proof_text           {text} not null check ({proof_text one of 'none', 'optional', 'required'}),
    terms_version        {int} not null, -- what the creator agreed to
    listed               {bool} not null, -- open, with a free slot
    published_at         {int} not null,
    expires_at           {int} not null,
    ended_at             {int},
    check (slots_live + slots_filled + slots_refunded <= slots_total)
) {table};
-- Each order of a search, of all tasks and within a category; the reward stands in them so that it can be compared there.
create index tasks_newest on tasks (published_at, id, reward) where listed;
create index tasks_newest_in on tasks (category, published_at, id, reward) where listed;
create index tasks_by_reward on tasks (reward, id) where listed;
create index tasks_by_reward_in on tasks (category, reward, id) where listed;
create index tasks_by_expiry on tasks (expires_at, id, listed, reward) where status = 'open';
create index tasks_by_expiry_in on tasks (category, expires_at, id, reward) where listed;
create index tasks_by_creator on tasks (creator_id, id);

create table task_texts (
    task_id              {uuid} primary key,
    title                {text} not null,
    description          {text} not null,
    target_url           {text},
    tags                 {text} not null -- a JSON array, in lower case
) {table};

-- The words of each open task, as src/tasks/search/words.rs makes them. Derived: an export leaves it out, an import makes
-- it anew, so it may differ between the engines. In SQLite tables without columns of their own are left out, in
-- PostgreSQL those of another schema.
{sqlite}
create virtual table task_words using fts5(
    id unindexed, words,
    content = '', contentless_delete = 1, contentless_unindexed = 1, detail = none, tokenize = "ascii tokenchars '-_#'"
);
{postgres}
create schema derived;
create table derived.task_words (
    rowid                bigint primary key,
    id                   uuid not null,
    words                tsvector not null
);
-- New words wait in a list that a search reads, too: a short one.
create index task_words_by_word on derived.task_words using gin (words) with (gin_pending_list_limit = 256);
{end}

-- One worker in one slot.
create table acceptances (
    id                   {uuid} primary key,
    task_id              {uuid} not null,
    worker_id            {uuid} not null,
    status               {text} not null check ({status one of 'accepted', 'submitted', 'changes_requested', 'rejected', 'disputed', 'approved', 'refunded', 'split', 'withdrawn', 'expired'}),
    accepted_at          {int} not null,
    extended             {bool} not null, -- the deadline was moved because a limit stood in the way
    submissions          {int} not null check (submissions >= 0),
    submission_id        {uuid}, -- the newest
    submitted_at         {int},
    phase_at             {int} not null, -- since when it waits
    due_at               {int}, -- when the clock decides; null = nothing to wait for
    reminders            {int} not null, -- sent while it waits
    next_at              {int}, -- the next reminder or due_at
    review_left          {int} not null, -- milliseconds of review left when changes were asked for
    reviewed_at          {int}, -- the last verdict
    auto                 {bool} not null, -- the clock gave it
    paid                 {int} not null check (paid >= 0), -- out of the reward: the worker's share before the fee
    settled_at           {int},
    check ((due_at is null) = (next_at is null))
) {table};
create unique index acceptances_one_each on acceptances (task_id, worker_id) where status <> 'withdrawn';
create index acceptances_withdrawn on acceptances (task_id, worker_id) where status = 'withdrawn';
create index acceptances_by_worker on acceptances (worker_id, id);
create index acceptances_waiting on acceptances (next_at, id) where next_at is not null;
create index acceptances_disputed on acceptances (id) where status = 'disputed';

-- A proof as it was handed in; never changed.
create table submissions (
    id                   {uuid} primary key,
    acceptance_id        {uuid} not null,
    task_id              {uuid} not null,
    n                    {int} not null check (n > 0),
    proof_url            {text},
    proof_text           {text},
    submitted_at         {int} not null,
    unique (acceptance_id, n)
) {table};
create index submissions_by_task on submissions (task_id, id);

-- What both sides and the operator said about an acceptance.
create table remarks (
    id                   {uuid} primary key,
    acceptance_id        {uuid} not null,
    author_id            {uuid} not null, -- nil = the clock
    kind                 {text} not null check ({kind one of 'changes', 'rejection', 'dispute', 'evidence', 'decision'}),
    code                 {text} not null, -- of a rejection or a decision
    text                 {text} not null,
    at                   {int} not null
) {table};
create index remarks_by_acceptance on remarks (acceptance_id, id);

create table tips (
    id                   {uuid} primary key,
    acceptance_id        {uuid} not null,
    amount               {int} not null check (amount > 0),
    at                   {int} not null
) {table};

-- What a user spent on escrows and tips in the last hour, for the cap.
create table spends (
    user_id              {uuid} not null,
    at                   {int} not null,
    id                   {uuid} not null,
    amount               {int} not null check (amount > 0),
    primary key (user_id, at, id)
) {narrow};
create index spends_by_age on spends (at);

-- What a referred user has earned the one who referred him.
create table commissions (
    referrer_id          {uuid} not null,
    referred_id          {uuid} not null,
    earned               {int} not null check (earned > 0),
    primary key (referrer_id, referred_id)
) {narrow};

create table ratings (
    acceptance_id        {uuid} not null,
    rater_id             {uuid} not null,
    rated_id             {uuid} not null,
    stars                {int} not null check (stars between 1 and 5),
    comment              {text} not null,
    at                   {int} not null,
    primary key (acceptance_id, rater_id)
) {table};
create index ratings_of on ratings (rated_id, at);

-- What the reputations do not count yet.
create table untallied (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    what                 {text} not null check ({what one of 'completed', 'approval', 'rejection', 'paid', 'dispute', 'dispute_lost', 'rating'}),
    amount               {int} not null -- minutes of a review, stars of a rating
) {narrow};

-- One row: who counts holds its lock.
create table tallying (
    id                   {int} primary key check (id = 1)
) {table};
insert into tallying values (1);

-- What others see of how a user works and reviews; made by a job from what happened.
create table reputations (
    user_id              {uuid} primary key,
    completed            {int} not null, -- slots he was paid for
    paid                 {int} not null, -- slots he paid
    reviews              {int} not null, -- verdicts on what was handed in to him
    rejections           {int} not null, -- of these
    disputes             {int} not null, -- decided ones he took part in
    disputes_lost        {int} not null,
    stars                {int} not null, -- sum
    ratings              {int} not null, -- count
    review_minutes       {text} not null, -- a JSON array: the newest 101 reviews
    median_review_minutes {int}
) {table};

create table reports (
    task_id              {uuid} not null,
    reporter_id          {uuid} not null,
    reason               {text} not null,
    at                   {int} not null,
    settled_at           {int}, -- an admin has looked
    primary key (task_id, reporter_id)
) {table};
create index reports_open on reports (at) where settled_at is null;

-- What a task must not ask for.
create table content_rules (
    id                   {uuid} primary key,
    name                 {text} not null,
    pattern              {text} not null, -- words in a row; * ends a word early; | between alternatives
    at                   {int} not null
) {table};
{sqlite}
insert into content_rules values
    (x'00000000000070008000000000000101', 'CAPTCHA solving', 'solve captcha* | solving captcha* | captcha solving | captcha solver* | break captcha* | bypass captcha*', 0),
    (x'00000000000070008000000000000102', 'bulk account creation', 'bulk account* | mass account* | create * accounts | create * * accounts | register * accounts | account farm* | fake accounts', 0),
    (x'00000000000070008000000000000103', 'sharing of credentials', 'share your password* | send * your password* | your login credential* | share your credential* | seed phrase* | private key*', 0),
    (x'00000000000070008000000000000104', 'locating private people', 'find where * lives | find * home address | find out where * lives | locate this person | home address of | dox* | track down this person', 0);
{postgres}
insert into content_rules values
    ('00000000-0000-7000-8000-000000000101', 'CAPTCHA solving', 'solve captcha* | solving captcha* | captcha solving | captcha solver* | break captcha* | bypass captcha*', 0),
    ('00000000-0000-7000-8000-000000000102', 'bulk account creation', 'bulk account* | mass account* | create * accounts | create * * accounts | register * accounts | account farm* | fake accounts', 0),
    ('00000000-0000-7000-8000-000000000103', 'sharing of credentials', 'share your password* | send * your password* | your login credential* | share your credential* | seed phrase* | private key*', 0),
    ('00000000-0000-7000-8000-000000000104', 'locating private people', 'find where * lives | find * home address | find out where * lives | locate this person | home address of | dox* | track down this person', 0);
{end}

create index accounts_with_money on accounts (owner, kind) where balance > 0;
create index users_by_referrer on users (referrer_id, id) where referrer_id is not null;
