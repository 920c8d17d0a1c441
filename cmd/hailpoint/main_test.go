package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hailpoint/audio/opus"
	"hailpoint/device/gpio"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hailpoint": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": eventually,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "cgo":
				return opus.Available, nil
			case "installed":
				_, err := os.Stat(defaultConfig)
				return err == nil, nil
			case "chip":
				_, err := gpio.Lines()
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		RequireExplicitExec: true,
	})
}
