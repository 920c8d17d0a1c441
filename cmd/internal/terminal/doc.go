// Package terminal puts a whole terminal together from its configuration: the
// agent, the media, the link and the control socket. The sound card, buttons
// and lamps are given to it, so that cmd/hailpoint can run it on hardware and
// cmd/hailpoint-fleet can run many of them simulated in one process.
package terminal
