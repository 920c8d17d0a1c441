// Package api is the service's side of the console and of programs: HTTP with
// logins, JSON routes, and one WebSocket for each page.
//
// Each page that is open is an endpoint of its own, with an address such as
// desk-k3x9. Its calls are made by the page; the service carries the signalling
// messages between the page's WebSocket and the broker as they are, and answers
// for who sent them: it stamps the sender, and refuses an invite in another
// name. While the page is connected it is a member of the ring group.
//
// What goes over the WebSocket, one JSON object per message with one key each
// (but "message", which goes with "from" or "to"):
//
//	page -> service
//	  {"hello": {"address": "desk-k3x9", "secret": "…"}}   first; both empty but to resume
//	  {"to": "kiosk-1", "message": {…}}                    signalling
//	  {"watch": "<call id>"}                               send this call's timeline, and again at each news
//	  {"hold": {"id": "sim-1", "button": "call", "down": true}}
//	  {"more": 1767225600123}                              calls that began before this time
//
//	service -> page
//	  {"hello": {"address", "secret", "name", "group", "ring_ms"}}
//	  {"from": "kiosk-1", "message": {…}}
//	  {"terminals": […]}, {"terminal": {…}}                all of them, then each one that changes
//	  {"calls": […]}, {"call": {…}}, {"older": […]}
//	  {"timeline": {"call": {…}, "events": […]}}
//	  {"sims": […]}, {"sim": {…}}, {"levels": {"sim-1": 40}}
//	  {"refused": {"id", "detail"}}                        what could not be done, in words
//
// # Why
//
// The page, and not the service, speaks the call protocol, so that sound goes
// straight between browser and terminal and a test can put any endpoint in
// either's place. The price is that the protocol is written twice, in Go and in
// JavaScript. A page that loses its WebSocket may take up its address again
// within a minute, so that a running call outlives a hiccup of the network.
package api
