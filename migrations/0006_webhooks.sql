-- Counts the turns of numbering that placed something: who waits on another node sees by it that there is more.
alter table event_numbering add column turn {int} not null default 0;
