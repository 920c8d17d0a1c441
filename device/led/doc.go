// Package led says how a lamp looks for what the terminal is doing. It is
// pure: the caller brings the time since the pattern began.
//
// # What lamps show
//
// A lamp shows one thing, named by its Show:
//
//	show       lamp
//	ringing    quick blink while a call comes in, else off
//	calling    slow blink while a call goes out, else off
//	talking    steady while talking, blink while the two sides connect, else off
//	online     steady with the broker connected, one flash while it is not
//	fault      steady while something is broken, else off
//	muted      steady while the microphone is muted, else off
//	status     everything on one lamp, see below
//
// A terminal with a single lamp gives it the show "status". A call comes before
// a fault and a fault before a lost connection:
//
//	the terminal is      lamp            looks like (each sign is 100 ms)
//	ready                steady          ####################
//	calling              slow blink      #####-----#####-----  1 Hz
//	ringing              quick blink     #-#-#-#-#-#-#-#-#-#-  4 Hz (125 ms)
//	connecting           blink           ##--##--##--##--##--  2 Hz (250 ms)
//	talking              steady          ####################
//	talking, muted       wink            #########-#########-  1 Hz
//	broken               two flashes     #-#-----------------  every 2 s
//	offline              one flash       #-------------------  every 2 s
//	without power        off             --------------------
//
// # Why
//
// Patterns differ in rhythm, not in brightness or colour, so that one cheap
// lamp on one output line shows them all and a colour-blind person can read
// them. No pattern blinks quicker than 4 Hz, far from the rates that trouble
// photosensitive people. A fault is a rhythm of darkness with flashes, a working
// terminal a rhythm of light: seen from afar, dark means "do not rely on it".
package led
