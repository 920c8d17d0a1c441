//go:build cgo

package version

const cgo = true
