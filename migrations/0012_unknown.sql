-- What left without an order is looked for whenever a withdrawal would be given back.
create index outgoing_unknown_to on outgoing_seen (recipient, amount) where not known;
