#!/bin/sh
# The guest's side: runs as root in the virtual machine, in the directory that
# the host laid out. See doc.go for the contract with the host.
cd /mnt/share || exit 1
: >results

# check NAME COMMAND... runs a check and notes how it ended.
check() {
	name=$1
	shift
	if timeout -k 5 150 "$@" >"$name.log" 2>&1; then
		echo "ok $name" >>results
	else
		echo "# exit status $?" >>"$name.log"
		echo "not ok $name" >>results
		return 1
	fi
}

# The programs run from memory: reading them over 9p takes seconds.
bin=/run/lab
mkdir -p $bin
cp ./*.test $bin/

check kernel uname -a
check gpio env HAILPOINT_GPIO_SIM=1 $bin/gpio.test -test.v -test.timeout 140s -test.shuffle on
check gpio-bench env HAILPOINT_GPIO_SIM=1 $bin/gpio.test -test.run '^$' -test.bench Lab -test.benchtime 500x

for step in install rights sample start pins sound offline online press clock call watchdog unknown-line stop exposure; do
	check service-$step sh ./service.sh $step || break
done
journalctl -q --no-pager -o short-monotonic >journal.txt

echo end >>results
sync
