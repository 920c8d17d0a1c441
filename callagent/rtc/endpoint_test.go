package rtc_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hailpoint/callagent/rtc"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := rtc.Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestEveryMistakeIsReportedByItsKey(t *testing.T) {
	cfg := rtc.Default()
	cfg.MediaTimeout = time.Second
	cfg.GatherTimeout = time.Hour
	cfg.Interfaces = []string{"eth0", ""}
	cfg.RelayOnly = true
	cfg.ICEServers = []rtc.ICEServer{
		{},
		{URLs: []string{"stun:stun.example.org", "http://example.org"}},
		{URLs: []string{"turns:relay.example.org"}, Password: "p"},
		{URLs: []string{"turns:relay.example.org"}, Username: "u"},
		{URLs: []string{"turns:relay.example.org"}},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("valid")
	}
	for _, want := range []string{
		"media_timeout: ", "gather_timeout: ", "interfaces[1]: ", "ice_servers[0].urls: ", "ice_servers[1].urls[1]: ",
		"ice_servers[2].username: ", "ice_servers[3].password: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 7 {
		t.Errorf("%d problems, want 7:\n%v", n, err)
	}
	cfg.ICEServers = []rtc.ICEServer{{URLs: []string{"turn:relay.example.org"}}}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "relay_only: ") {
		t.Errorf("a relay without a server: %v", err)
	}
	if _, err := rtc.New(cfg, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("New took it")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	cfg := rtc.Default()
	cfg.ICEServers = []rtc.ICEServer{{URLs: []string{"turn:relay.example.org"}, Username: "u", Password: "hunter2"}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "config", cfg, "password", cfg.ICEServers[0].Password)
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"%v": fmt.Sprint(cfg), "%+v": fmt.Sprintf("%+v", cfg), "%#v": fmt.Sprintf("%#v", cfg), "json": string(raw), "slog": log.String(),
	} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestTheCertificateIsKept(t *testing.T) {
	cfg := loopback()
	cfg.CertificateFile = filepath.Join(t.TempDir(), "rtc-cert.pem")
	first := endpoint(t, cfg)
	info, err := os.Stat(cfg.CertificateFile)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	if err := os.Chmod(cfg.CertificateFile, 0o644); err != nil {
		t.Fatal(err)
	}
	again := endpoint(t, cfg)
	if first.Fingerprint() != again.Fingerprint() {
		t.Errorf("fingerprint %s became %s", first.Fingerprint(), again.Fingerprint())
	}
	if info, err = os.Stat(cfg.CertificateFile); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	offer, err := newLeg(t, again).Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ToLower(offer), "a=fingerprint:"+first.Fingerprint()) {
		t.Errorf("the offer does not carry %s:\n%s", first.Fingerprint(), offer)
	}
	if entries, err := os.ReadDir(filepath.Dir(cfg.CertificateFile)); err != nil || len(entries) != 1 {
		t.Errorf("files left behind: %v, %v", entries, err)
	}
	connect(t, again, endpoint(t, loopback()))
}

func TestAnUnusableCertificateIsReplaced(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.pem")
	cfg := loopback()
	cfg.CertificateFile = good
	endpoint(t, cfg)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":               nil,
		"cut short":           text[:len(text)/2],
		"with a flipped byte": bytes.Replace(text, []byte("\nM"), []byte("\nX"), 1),
		"of another key":      append(bytes.Clone(text), pemKey(t, newKey(t, elliptic.P256()))...),
		"of another curve":    selfSigned(t, newKey(t, elliptic.P384()), time.Now().Add(time.Hour)),
		"expired":             selfSigned(t, newKey(t, elliptic.P256()), time.Now().Add(-time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := loopback()
			cfg.CertificateFile = filepath.Join(t.TempDir(), "rtc-cert.pem")
			if err := os.WriteFile(cfg.CertificateFile, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			e, err := rtc.New(cfg, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "level=WARN") {
				t.Errorf("no warning:\n%s", &log)
			}
			if got := endpoint(t, cfg).Fingerprint(); got != e.Fingerprint() {
				t.Errorf("the new certificate was not stored: %s, then %s", e.Fingerprint(), got)
			}
		})
	}
}

func TestCallsWorkWithoutAPlaceForTheCertificate(t *testing.T) {
	cfg := loopback()
	cfg.CertificateFile = filepath.Join(t.TempDir(), "missing", "rtc-cert.pem")
	var log bytes.Buffer
	e, err := rtc.New(cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "cannot be stored") {
		t.Errorf("no warning:\n%s", &log)
	}
	connect(t, e, e)
}

// newKey makes a key on curve.
func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pemKey encodes key.
func pemKey(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// selfSigned makes a certificate of key until end, and encodes both.
func selfSigned(t *testing.T, key *ecdsa.PrivateKey, end time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pemKey(t, key)...)
}
