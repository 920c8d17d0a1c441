// Command testsum reads what go test -json prints and writes what a person
// wants of it: a line for each package, all output of the tests that failed,
// why tests were skipped, and the sum at the end.
//
//	go test -json ./... | testsum
//
// Its exit status is 0 only if tests ran and none failed, so that it may be the
// last part of a pipeline.
//
// # Why
//
// go test itself ends with a line per package and no sum, and with -v, which
// would show the reasons of skips, it shows everything. A program of this
// kind exists elsewhere; ours is two pages and needs no further module.
package main

import (
	"fmt"
	"os"
)

func main() {
	sum, err := summarise(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	fmt.Println(sum)
	if !sum.ok() {
		os.Exit(1)
	}
}
