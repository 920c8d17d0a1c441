//go:build !cgo

package portaudio

type stub struct{}

func newDriver() driver { return stub{} }

func (stub) open(Config, exchange) (connection, error) { return nil, ErrUnsupported }

// Devices returns ErrUnsupported: this build has no PortAudio.
func Devices() ([]DeviceInfo, error) { return nil, ErrUnsupported }
