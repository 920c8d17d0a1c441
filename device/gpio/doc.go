// Package gpio gives names to the pins of a Linux board: device.Button on an
// input line and device.Pin on an output line, through the GPIO character
// device (/dev/gpiochip*). It is the only package that imports periph.io.
//
// A line is named as the kernel names it: "GPIO17" on a Raspberry Pi, or what
// the device tree says, e.g. "BTN_CALL". Chip numbers change from boot to boot
// and are not used. Where several lines have one name, the first keeps it and
// the others get their chip's name in front: "gpiochip2-WAKE".
//
// # The driver
//
// periph.io/x/host/v3/gpioioctl has properties that its users must know.
// What this package does about each, by where it does so:
//
//   - It opens the chips once in the life of a process; a chip that appears
//     later is never seen. The driver is therefore not started before at least
//     one chip can be opened, and until then Open can be tried again (load).
//   - If a chip has two names in /dev, as on some Raspberry Pi systems, it
//     closes descriptor 0, which is not its own. Standard input is kept and put
//     back (load). It also closes one descriptor twice, so Open should come
//     early, before other goroutines open files.
//   - host.Init would start a driver for the old sysfs interface as well, which
//     makes up names like GPIO1016. Only gpioioctl is imported (load).
//   - The pins of its registry take a level read of an output as the wish to
//     make it an input, take an error for a low level, do not say which way an
//     edge went, cannot tell a time-out from a dead line, take descriptor 0 for
//     "none", and queue edges that never were when they are set up again. Every
//     line is claimed as a LineSet of one line instead, which has none of this:
//     it is set up once, as it is claimed (claim).
//   - A LineSet waits for ever with a time-out of 0 and not at all with a
//     negative one, the reverse of the documented contract. Every wait here has
//     a positive bound (Button.Watch).
//   - Halt is lost if no wait is running, and must not meet the first wait,
//     which sets up the descriptor. It only makes the end of Watch quicker, and
//     is used after a first wait (Button.Watch).
//   - The kernel keeps 16 edges for each line that nobody reads, and forgets the
//     oldest; of bounce quicker than its interrupt it makes fewer edges. After
//     each quiet while, the level is read and a lost edge made up for; edges from
//     before a Watch are thrown away (Button.Watch).
//   - Kernel time stamps are thrown away. An edge's time is taken as the wait
//     returns (Button.Watch).
//   - There is no debouncing. device/gesture does it.
//   - There is no active-low. Polarity is resolved here (Button.Watch, Pin.Set).
//   - No bias cannot be asked for; PullNone leaves the bias as it was. A board
//     with its own resistor works with that (Pull).
//   - An output cannot be claimed with a level: it is low for some
//     microseconds, until the first Set. A relay must be wired active-high, so
//     that this is off; an active-low lamp may flicker once at start (openPin).
//   - An error of the kernel comes without its number. The text is compared to
//     tell a line in use (claim).
//
// # Why
//
// The character device is the kernel's present interface; sysfs is deprecated,
// and mapping a chip's registers needs root and a table of chips. periph.io is
// kept behind this package so that another driver can replace it where these
// prices are too high: the flicker of active-low outputs is one.
package gpio
