// Package version says which build this is.
package version

import (
	"fmt"
	"runtime"
)

// Version is what git describe said when the binary was built; the Makefile sets
// it with -ldflags -X. A plain go build leaves "devel".
var Version = "devel"

// Full returns one line for people: the version, the Go release, the platform,
// and whether C libraries, and so sound and Opus, are part of the build.
func Full() string {
	sound := "with sound"
	if !cgo {
		sound = "without sound"
	}
	return fmt.Sprintf("%s (%s, %s/%s, %s)", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, sound)
}
