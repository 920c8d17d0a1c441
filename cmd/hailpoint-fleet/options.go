package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	"hailpoint/mqtt/topic"
)

// maxSimulated bounds the terminals that one service simulates.
const maxSimulated = 32

// options are what serve is told.
type options struct {
	http, mqtt, data, base string
	cert, key              string
	simulated              int

	tls *tls.Config // nil without cert and key
}

// parseOptions reads the command line. Every mistake is reported at once.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("hailpoint-fleet serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.http, "http", "127.0.0.1:8080", "`address` of the console and the API")
	flags.StringVar(&o.mqtt, "mqtt", "127.0.0.1:1883", "`address` of the MQTT broker; beyond loopback each terminal needs a password")
	data := dataFlag(flags)
	flags.IntVar(&o.simulated, "sim", 0, "simulate `N` terminals, each with a panel on the console")
	flags.StringVar(&o.base, "base", topic.DefaultBase, "first `levels` of all topics")
	flags.StringVar(&o.cert, "cert", "", "PEM `file` of a certificate: serve https and mqtts")
	flags.StringVar(&o.key, "key", "", "PEM `file` of its key")
	if err := parse(flags, args); err != nil {
		return o, err
	}
	o.data = *data
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if flags.NArg() > 0 {
		add("%q: serve takes flags only", flags.Arg(0))
	}
	for _, a := range []struct{ name, value string }{{"http", o.http}, {"mqtt", o.mqtt}} {
		if err := checkAddress(a.value); err != nil {
			add("--%s %q: %w", a.name, a.value, err)
		}
	}
	if o.data == "" {
		add("--data: empty; name a directory that survives a restart")
	}
	if o.simulated < 0 || o.simulated > maxSimulated {
		add("--sim %d: not from 0 to %d", o.simulated, maxSimulated)
	}
	if err := topic.CheckBase(o.base); err != nil {
		add("--base: %w", err)
	}
	switch {
	case (o.cert == "") != (o.key == ""):
		add("--cert, --key: give both or neither")
	case o.cert != "" && o.simulated > 0:
		add("--sim: simulated terminals need a broker without TLS; leave out --cert and --key")
	case o.cert != "":
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			add("--cert, --key: %w", err)
		}
		o.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if err := errors.Join(errs...); err != nil {
		return o, fmt.Errorf("%w\n%w", err, errUsage)
	}
	return o, nil
}

// checkAddress accepts host:port and :port with a port number.
func checkAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("write host:port, such as 127.0.0.1:8080")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port is not a number from 0 to 65535")
	}
	return nil
}

// loopback tells whether only this machine reaches an address to listen on.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
