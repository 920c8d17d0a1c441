#!/bin/sh
# Checks of the installed terminal, in the virtual machine. The argument names
# the check; guest.sh runs them in this order, and each builds on those before.
set -eu

config=/etc/hailpoint/hailpoint.toml
lines="BTN_CALL LED_STATUS LED_ONLINE LED_CALLING LED_TALKING"

# until_true SECONDS COMMAND... waits for a command to succeed.
until_true() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $end ] || { echo "in vain: $*"; return 1; }
		sleep 0.1
	done
}

# attribute LINE NAME puts the path of a simulated line's file into $file. The
# functions that look at lamps start no process: in a call the machine is slow.
attribute() {
	n=0
	for l in $lines; do
		[ "$l" = "$1" ] && break
		n=$((n + 1))
	done
	for file in /sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio"$n/$2"; do
		return
	done
}
lit() {
	attribute "$1" value
	read -r level <"$file"
	[ "$level" = 1 ]
}
dark() { ! lit "$1"; }
# steady LINE looks at it for longer than any pattern takes.
steady() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		lit "$1" || return 1
		sleep 0.2
	done
}
press() {
	attribute BTN_CALL pull
	echo pull-down >"$file"
	sleep 0.3
	echo pull-up >"$file"
}
pid() { systemctl show -p MainPID --value "${1:-hailpoint}"; }
happened() { hailpoint ctl events | grep -q " $1 "; }
logged() { journalctl -q -u hailpoint --no-pager | grep -q -- "$1"; }
status() { hailpoint ctl status --json; }

# configure LINE TARGET writes the configuration: the button on that line, and
# whom it calls.
configure() {
	cat >$config <<-CONFIG
		id = "lab"
		[mqtt]
		broker = "mqtt://127.0.0.1:1883"
		delivery = "backend"
		[call]
		target = "$2"
		[rtc]
		loopback = true
		[audio]
		input = "Loopback: PCM (hw:0,1)"
		output = "Loopback: PCM (hw:0,0)"
		latency = "60ms"
		[device]
		driver = "gpio"
		[[button]]
		name = "call"
		line = "$1"
		press = "call_or_hangup"
		[[led]]
		name = "status"
		line = "LED_STATUS"
		show = "status"
		[[led]]
		name = "online"
		line = "LED_ONLINE"
		show = "online"
		[[led]]
		name = "calling"
		line = "LED_CALLING"
		show = "calling"
		[[led]]
		name = "talking"
		line = "LED_TALKING"
		show = "talking"
	CONFIG
}

case $1 in
install) # as a package does
	tar -C install -c . | tar -C / -x --keep-directory-symlink --no-same-owner -p
	systemd-sysusers
	udevadm control --reload
	systemctl daemon-reload
	id hailpoint
	id hailpoint-fleet
	id hailpoint | grep gpio | grep audio
	hailpoint version
	;;
rights) # a chip that appears after the rule is installed belongs to the group
	chip=/sys/kernel/config/gpio-sim/terminal
	mkdir -p $chip/bank0
	echo 8 >$chip/bank0/num_lines
	n=0
	for l in $lines; do
		mkdir $chip/bank0/line$n
		echo "$l" >$chip/bank0/line$n/name
		n=$((n + 1))
	done
	echo 1 >$chip/live
	attribute BTN_CALL pull
	echo pull-up >"$file"
	udevadm settle
	ls -l /dev/gpiochip* /dev/snd
	test "$(stat -c %G:%a /dev/"$(cat $chip/bank0/chip_name)")" = gpio:660
	;;
sample) # the configuration as installed is good; everything in it is optional
	hailpoint check --config $config
	;;
start) # ready without a broker, as its own user
	configure BTN_CALL nobody
	hailpoint check --config $config
	ip link set lo up
	systemctl start hailpoint
	systemctl is-active hailpoint
	test "$(stat -c %U "/proc/$(pid)")" = hailpoint
	systemctl show -p StatusText -p NRestarts hailpoint
	hailpoint ctl status
	;;
pins) # reached from inside the sandbox
	gpioinfo
	for l in $lines; do
		gpioinfo | grep "\"$l\"" | grep "hailpoint@$(pid)"
	done
	gpioinfo | grep '"BTN_CALL"' | grep pull-up
	;;
sound) # likewise
	cat /proc/asound/cards
	for stream in pcm0p pcm1c; do # played into device 0, captured from device 1
		sub=/proc/asound/card0/$stream/sub0/status
		until_true 30 grep -q "state: RUNNING" $sub || { cat $sub; journalctl -q -u hailpoint --no-pager; exit 1; }
	done
	;;
offline) # the lamp says that nobody can be reached: it flashes
	until_true 20 lit LED_STATUS
	until_true 20 dark LED_STATUS
	until_true 20 lit LED_STATUS
	;;
online) # the broker appears: found without a restart, and shown
	systemctl start hailpoint-fleet
	systemctl is-active hailpoint-fleet
	test "$(stat -c %U "/proc/$(pid hailpoint-fleet)")" = hailpoint-fleet
	until_true 90 steady LED_ONLINE
	status
	;;
press) # a press on the pin becomes a call: the lamp blinks
	press
	until_true 30 logged 'gesture=press'
	until_true 30 lit LED_CALLING || { journalctl -q -u hailpoint --no-pager; exit 1; }
	press # and another ends it
	until_true 30 happened call.canceled || { hailpoint ctl events; exit 1; }
	hailpoint ctl events
	;;
clock) # the sandbox lets the terminal ask whether the clock is synchronised
	# adjtimex(2) with ADJ_MAXERROR and ADJ_STATUS, both 0: as a time source does.
	perl -e 'my $timex = pack("L x4 q4 l x4", 0x14, 0, 0, 0, 0, 0) . "\0" x 256; syscall(159, $timex) == -1 and die "adjtimex: $!"'
	press
	synced() { hailpoint ctl events --json | tail -n 1 | grep -q '"clock":"synced"'; }
	until_true 30 synced || { hailpoint ctl events --json; exit 1; }
	press
	until_true 30 dark LED_CALLING
	;;
call) # from pin to sound card: another terminal answers
	cat >/run/lab/desk.toml <<-CONFIG
		id = "desk"
		state_dir = "/run/lab/desk"
		control_socket = "/run/lab/desk.sock"
		[call]
		auto_answer = "1s"
		auto_answer_from = ["*"]
		[rtc]
		loopback = true
		[audio]
		input = "sim"
		output = "sim"
		[device]
		driver = "sim"
	CONFIG
	systemd-run -q --unit=desk --service-type=notify "$(command -v hailpoint)" run --config /run/lab/desk.toml
	configure BTN_CALL desk
	systemctl restart hailpoint
	until_true 60 steady LED_ONLINE
	press
	until_true 60 happened call.connected || { hailpoint ctl events; journalctl -q --no-pager -u hailpoint -u desk | tail -40; exit 1; }
	until_true 20 steady LED_TALKING
	hailpoint ctl status
	press
	until_true 30 happened call.ended || { hailpoint ctl events; exit 1; }
	until_true 20 dark LED_TALKING
	hailpoint ctl events
	systemctl stop desk
	;;
watchdog) # a terminal that hangs is started anew
	old=$(pid)
	kill -STOP "$old"
	renewed() { [ "$(pid)" != "$old" ] && [ "$(pid)" != 0 ] && systemctl is-active hailpoint; }
	until_true 120 renewed
	systemctl show -p NRestarts hailpoint
	journalctl -q -u hailpoint --no-pager | grep -i watchdog
	;;
unknown-line) # a wrong name: the log says which there are
	configure BTN_CAL nobody
	if hailpoint check --config $config; then
		exit 1
	fi
	systemctl restart --no-block hailpoint
	until_true 60 logged 'line "BTN_CAL" for button "call": no such GPIO line' || { journalctl -q -u hailpoint --no-pager | tail; exit 1; }
	logged 'lines of this machine are: BTN_CALL, LED_CALLING'
	configure BTN_CALL nobody
	systemctl restart hailpoint
	systemctl is-active hailpoint
	;;
stop) # in order, and dark
	systemctl stop hailpoint
	test "$(systemctl show -p Result --value hailpoint)" = success
	test "$(systemctl show -p ExecMainStatus --value hailpoint)" = 0
	for l in LED_STATUS LED_ONLINE LED_CALLING LED_TALKING; do dark $l; done
	systemctl stop hailpoint-fleet
	test "$(systemctl show -p Result --value hailpoint-fleet)" = success
	;;
exposure) # 2.0 or less of 10
	systemd-analyze security --no-pager --threshold=20 hailpoint.service hailpoint-fleet.service
	;;
*)
	echo "there is no check $1"
	exit 2
	;;
esac
