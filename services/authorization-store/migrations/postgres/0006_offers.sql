-- Whom a personal layer is offered to; null while it is offered to nobody.
alter table layer add column offered_to bigint;
