// Package store keeps what terminals reported, exactly as they published it,
// and who may log in, in one SQLite file.
//
// An event is stored once: a repeat, which has the same id, is dropped. For each
// journal of each terminal the store knows up to which number it has everything
// without a gap; that number, and no higher one, may be acknowledged.
//
// # Why
//
// SQLite in write-ahead mode, synced at each commit, needs no server, survives a
// power cut, and commits a batch of a few hundred events as fast as one. The
// price is one writer at a time, which one service is.
//
// A terminal that is already at number 5000 when this store first hears of it
// (the old store was lost) begins its journal here at 5000. Whether it still
// holds something older that it sent and we lost is not known then, and an
// acknowledgement would make it throw that away. But what is not acknowledged is
// repeated, oldest first: when 5000 comes again and nothing lower came before
// it, there is nothing lower. Until then such a journal is not acknowledged.
//
// A number that comes again with another id is no repeat: the terminal's
// storage was set back, as by a card restored from a copy. Such records are
// kept apart, as disputed, and not dropped, since they too are acknowledged.
package store
