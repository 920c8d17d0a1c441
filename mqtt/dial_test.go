package mqtt_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hailpoint/mqtt"
	"hailpoint/mqtt/broker"
)

// patience is how long a test waits for what must come; a passing test never
// waits for it.
const patience = 30 * time.Second

// issuer signs certificates for a test.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // PEM of the certificate
}

func newIssuer(t *testing.T, dir, name string) *issuer {
	t.Helper()
	i := &issuer{file: filepath.Join(dir, name+".pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &i.key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	if i.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(i.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// issue makes a certificate and returns it and the files of it and its key.
func (i *issuer) issue(t *testing.T, name string, valid time.Duration) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, i.cert, &key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = i.file+"."+name+".crt", i.file+"."+name+".key"
	for file, b := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if cert, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return cert, certFile, keyFile
}

// serve runs a broker with TCP and WebSocket listeners.
func serve(t *testing.T, certs *tls.Config) *broker.Broker {
	t.Helper()
	c := broker.Default()
	c.MQTT, c.WebSocket, c.Dir, c.Sync, c.TLS = "127.0.0.1:0", "127.0.0.1:0", t.TempDir(), false, certs
	c.Authenticate = func(l broker.Login) bool { return l.Certificate != nil || l.Password == "geheim" }
	b, err := broker.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// attempt runs a client until it is up, or has failed in all its brokers a few
// times, and returns the broker it is connected to and its log.
func attempt(t *testing.T, change func(*mqtt.Config)) (connected, log string) {
	t.Helper()
	c := mqtt.Default()
	c.ClientID, c.Username, c.Password = "kiosk-1", "kiosk-1", "geheim"
	c.Backoff = mqtt.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}
	change(&c)
	buffer, up, tries := &logBuffer{}, make(chan *mqtt.Session, 1), make(chan struct{}, 1024)
	client, err := mqtt.New(c, slog.New(slog.NewTextHandler(buffer, nil)), mqtt.Handlers{
		Will: func() mqtt.Message { tries <- struct{}{}; return mqtt.Message{} },
		Up:   func(_ context.Context, s *mqtt.Session) error { up <- s; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for range 3*len(c.Brokers) + 1 {
		select {
		case s := <-up:
			return s.Broker(), buffer.String()
		case <-tries:
		case <-time.After(patience):
			t.Fatalf("neither up nor failed:\n%s", buffer)
		}
	}
	return "", buffer.String()
}

func TestEachTransportConnects(t *testing.T) {
	dir := t.TempDir()
	ca := newIssuer(t, dir, "ca")
	cert, _, _ := ca.issue(t, "localhost", time.Hour)
	plain := serve(t, nil)
	secure := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	named := strings.NewReplacer("127.0.0.1", "localhost")
	for name, url := range map[string]string{
		"mqtt": plain.URL(), "ws": plain.WebSocketURL(), "ws without its path": strings.TrimSuffix(plain.WebSocketURL(), "/mqtt"),
		"mqtts": named.Replace(secure.URL()), "wss": named.Replace(secure.WebSocketURL()),
	} {
		t.Run(name, func(t *testing.T) {
			if got, log := attempt(t, func(c *mqtt.Config) { c.Brokers, c.CAFile = []string{url}, ca.file }); got != url {
				t.Errorf("not connected:\n%s", log)
			}
		})
	}
}

func TestBadTLSIsRefusedWithItsCause(t *testing.T) {
	dir := t.TempDir()
	ca, other := newIssuer(t, dir, "ca"), newIssuer(t, dir, "other")
	good, _, _ := ca.issue(t, "localhost", time.Hour)
	old, _, _ := ca.issue(t, "localhost", -time.Hour)
	b := serve(t, &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS12})
	stale := serve(t, &tls.Config{Certificates: []tls.Certificate{old}, MinVersion: tls.VersionTLS12})
	named := strings.NewReplacer("127.0.0.1", "localhost")
	for name, tt := range map[string]struct {
		url, ca string
		want    []string
	}{
		"an unknown issuer":       {named.Replace(b.URL()), other.file, []string{"unknown authority", "ca_file"}},
		"a wrong name":            {b.URL(), ca.file, []string{"127.0.0.1", "use a name in broker"}},
		"an expired certificate":  {named.Replace(stale.URL()), ca.file, []string{"expired", "this clock"}},
		"a missing ca_file":       {named.Replace(b.URL()), filepath.Join(dir, "none"), []string{"ca_file", "no such file"}},
		"a ca_file without a PEM": {named.Replace(b.URL()), os.Args[0], []string{"ca_file", "no PEM"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, log := attempt(t, func(c *mqtt.Config) { c.Brokers, c.CAFile = []string{tt.url}, tt.ca })
			if got != "" {
				t.Fatal("was trusted")
			}
			for _, part := range tt.want {
				if !strings.Contains(log, part) {
					t.Errorf("%q is not in the log:\n%s", part, log)
				}
			}
			if n := strings.Count(log, "\n"); n != 1 {
				t.Errorf("the same trouble again and again made %d lines:\n%s", n, log)
			}
		})
	}
}

func TestClientCertificateStandsForThePassword(t *testing.T) {
	dir := t.TempDir()
	ca := newIssuer(t, dir, "ca")
	server, _, _ := ca.issue(t, "localhost", time.Hour)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	b := serve(t, &tls.Config{
		Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS12,
		ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
	})
	url := strings.Replace(b.URL(), "127.0.0.1", "localhost", 1)
	for name, tt := range map[string]struct {
		cert, password string
		want           bool
	}{
		"its own certificate lets a terminal in":    {"kiosk-1", "", true},
		"another's certificate does not":            {"kiosk-2", "", false},
		"nor does it with the right password":       {"kiosk-2", "geheim", false},
		"without one the password does":             {"", "geheim", true},
		"without either the terminal stays outside": {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, log := attempt(t, func(c *mqtt.Config) {
				c.Brokers, c.CAFile, c.Password = []string{url}, ca.file, mqtt.Secret(tt.password)
				if tt.cert != "" {
					_, c.CertFile, c.KeyFile = ca.issue(t, tt.cert, time.Hour)
				}
			})
			if (got != "") != tt.want {
				t.Errorf("connected to %q:\n%s", got, log)
			}
		})
	}
}

func TestBrokersAreTriedInTurn(t *testing.T) {
	b := serve(t, nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "mqtt://" + closed.Addr().String()
	_ = closed.Close()
	got, log := attempt(t, func(c *mqtt.Config) { c.Brokers = []string{dead, b.URL()} })
	if got != b.URL() || !strings.Contains(log, "refused") || !strings.Contains(log, dead) {
		t.Errorf("connected to %q:\n%s", got, log)
	}
}

func TestPasswordFileIsReadAtEachConnect(t *testing.T) {
	b := serve(t, nil)
	file := filepath.Join(t.TempDir(), "password")
	got, log := attempt(t, func(c *mqtt.Config) { c.Brokers, c.Password, c.PasswordFile = []string{b.URL()}, "", file })
	if got != "" || !strings.Contains(log, "password_file") {
		t.Errorf("connected to %q without a file:\n%s", got, log)
	}
	for content, want := range map[string]string{"geheim\n": b.URL(), "wrong": ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, log := attempt(t, func(c *mqtt.Config) { c.Brokers, c.Password, c.PasswordFile = []string{b.URL()}, "", file })
		if got != want || strings.Contains(log, "geheim") {
			t.Errorf("with %q connected to %q:\n%s", content, got, log)
		}
		if want == "" && !strings.Contains(log, "check username and password_file") {
			t.Errorf("no way out is named:\n%s", log)
		}
	}
}

func TestUnknownHostIsSaid(t *testing.T) {
	_, log := attempt(t, func(c *mqtt.Config) { c.Brokers = []string{"mqtt://does-not-exist.invalid"} })
	if !strings.Contains(log, "host name") {
		t.Errorf("log:\n%s", log)
	}
}
