-- What somebody did in the last hour, in a row for each purpose: it is rewritten by each call, in pages that others share,
-- instead of a page of the log for each deed. What was counted before is not taken over: an hour begins anew.
drop table hourly_uses;
drop table spends;

create table recent (
    subject              {uuid} not null,  -- a user, or the digest of an address
    purpose              {text} not null,  -- the limit, or "spent" (escrows and tips, in micro-USDT, for the cap)
    hour                 {int} not null,   -- of the newest deed, since 1970
    deeds                {bytes} not null, -- times and amounts; src/base/recent.rs
    primary key (subject, purpose)
) {narrow};
create index recent_by_hour on recent (hour);
