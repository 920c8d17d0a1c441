// Package journal keeps a terminal's durable event records on disk: numbered
// from one without a gap, each chained to the one before by its hash, and
// synced before Append returns (the outside contract, section 4). It knows nothing of events: a
// record is the bytes that will be published.
//
// # On disk
//
// The directory holds segment files named by the number of their first record.
// A segment begins with a header (magic, journal id, first number, SHA-256 of the record before,
// checksum)
// and goes on with records: magic, length, CRC-32C, number, SHA-256 of the
// record before, bytes; integers are big-endian. "acknowledged" holds the
// number up to which all was delivered, "running" the mark of the running call
// in two slots that are written in turn, "lock" keeps a second process out.
//
// Opening reads and checks everything. What follows the last whole record is a
// write that power or process did not survive: it was never acknowledged by
// Append, hence never sent, and is cut off. Anything else that is wrong is left
// as it is and skipped. Both are told by Damage. Where the number of the next record is
// not known for certain, the files are put aside and a new journal begins.
//
// # Why
//
// Plain files and not a database: one write and one sync for a burst of
// records, nothing rewritten in place, and a format that a technician can read
// with a hex dump after the card was pulled out of a dead device. Records are
// removed by whole segments only, so delivered ones stay for a while; at a
// quarter of a megabyte per segment that costs less than the bookkeeping would.
package journal
