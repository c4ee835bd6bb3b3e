-- Deposit addresses that could not be swept, and are left alone for a while so that the others come to their turn.
create table sweep_rests (
    address              {bytes} primary key,
    failures             {int} not null check (failures > 0), -- one after the other
    until                {int} not null
) {table};
