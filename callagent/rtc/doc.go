// Package rtc carries the sound of a call: it makes and reads SDP, finds a
// path with ICE, encrypts it with DTLS-SRTP, and moves Opus packets over RTP.
//
// An [Endpoint] is made once per process and holds what all calls share: the
// settings and the certificate; closing it ends all calls. A [Peer] is one leg of one call, with exactly
// one audio section: Opus, both directions.
//
//	caller                                  callee
//	Offer            -- invite {sdp} -->    Answer
//	SetAnswer        <-- ringing {sdp} --
//	AddCandidate     <-- candidate -->      AddCandidate
//	Handler.Up                              Handler.Up
//	Send             -- RTP, Opus -->       Handler.Packet
//
// Descriptions are returned before a single candidate is known; candidates
// follow through [Handler].Candidate as they are found (trickle ICE, RFC 8838).
// The transport may be brought up while a call still rings: nothing is sent
// over it but STUN, DTLS and RTCP until [Peer.Send] is called.
//
// The package knows nothing of calls, signalling messages or sound devices,
// and decides nothing about them. It is the only importer of Pion.
//
// # Why
//
// Fast connection. The wait for better candidates that ICE agents apply to
// reflexive and relayed ones is 0: with host candidates tried first by
// priority it only delays calls that need a relay (2 s by default). DTLS skips
// the HelloVerify round trip (RFC 6347, section 4.2.1): that cookie proves the
// client's address, and ICE has already proved it with a keyed check on the
// same address (RFC 8445, section 7.3), so no third party can be flooded. The
// certificate is made once and kept: a call needs no key generation, and a
// fleet can pin the fingerprint.
//
// Silence, and nothing else, is what loses a call. A DTLS close_notify travels
// faster than the hang-up that explains it, so acting on it would turn orderly
// ends into failures; it is ignored, and the silence that follows is counted.
// The price is that a peer which closes without signalling is noticed only
// after Config.MediaTimeout.
//
// No multicast DNS. Browsers without microphone permission hide their
// addresses behind .local names. Such candidates are dropped: the browser
// still checks our addresses, and those checks reveal its own as a
// peer-reflexive candidate (RFC 8445, section 7.3.1.3). A name that could be
// resolved at all belongs to the same link, where that always works unless a
// packet filter on the terminal drops unsolicited UDP. In return there is no
// socket on port 5353 beside the system's own responder for each call.
//
// Own counters instead of a statistics library: loss, jitter and round trip
// are a few lines from RFC 3550, cost no allocation per packet, and do not
// depend on the order in which packet interceptors were registered.
//
// Opus alone, without NACK, RED or header extensions: a late copy of a 20 ms
// packet is no use unless the playout delay exceeds the round trip, and Opus
// carries its own redundancy in band.
package rtc
