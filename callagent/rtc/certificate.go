package rtc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/pion/webrtc/v4"
)

// maxCertificateFile bounds what is read of a certificate file; ours has about
// 800 bytes.
const maxCertificateFile = 64 << 10

// errNoCertificate means that there is no certificate file yet.
var errNoCertificate = errors.New("no certificate yet")

// certificate returns the certificate stored in file at the time now, or a new
// one, stored there if possible. An empty file means a new one, in memory.
func certificate(file string, now time.Time, log *slog.Logger) (*webrtc.Certificate, error) {
	if file != "" {
		cert, err := loadCertificate(file, now)
		if err == nil {
			return cert, nil
		}
		if !errors.Is(err, errNoCertificate) {
			log.Warn("stored call certificate cannot be used, making another; peers that pinned its fingerprint must learn the new one",
				"file", file, "error", err)
		}
	}
	key, cert, err := makeCertificate()
	if err != nil {
		return nil, err
	}
	if file != "" {
		if err := storeCertificate(file, key, cert); err != nil {
			log.Warn("call certificate cannot be stored, it lasts until the next start", "file", file, "error", err)
		} else {
			log.Info("made a call certificate", "file", file)
		}
	}
	c := webrtc.CertificateFromX509(key, cert)
	return &c, nil
}

// loadCertificate reads the certificate and key in file. It returns
// errNoCertificate when the file does not exist, and another error when what
// is in it cannot serve at the time now.
func loadCertificate(file string, now time.Time) (*webrtc.Certificate, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoCertificate
	}
	if err != nil {
		return nil, fmt.Errorf("open certificate: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxCertificateFile))
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", file, err)
	}
	// A key that others could read is made private again; that they may have
	// read it already is the operator's to judge.
	if err := f.Chmod(0o600); err != nil {
		return nil, fmt.Errorf("make certificate %s private: %w", file, err)
	}
	key, cert, err := parseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("parse certificate %s: %w", file, err)
	}
	if !now.Before(cert.NotAfter) {
		return nil, fmt.Errorf("certificate %s expired on %s", file, cert.NotAfter.Format(time.DateOnly))
	}
	c := webrtc.CertificateFromX509(key, cert)
	return &c, nil
}

// parseCertificate decodes PEM text that holds one certificate and its P-256
// key, in either order.
func parseCertificate(text []byte) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	var key *ecdsa.PrivateKey
	var cert *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			cert = c
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			ec, ok := k.(*ecdsa.PrivateKey)
			if !ok || ec.Curve != elliptic.P256() {
				return nil, nil, fmt.Errorf("the key is %T, not ECDSA P-256", k)
			}
			key = ec
		}
	}
	if key == nil || cert == nil {
		return nil, nil, errors.New("no PEM certificate with its private key")
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the private key is not the certificate's")
	}
	return key, cert, nil
}

// makeCertificate makes a self-signed P-256 certificate that every WebRTC peer
// takes (RFC 8827, section 6.5). Peers compare its fingerprint with the SDP's
// and ignore its names and dates, so it has no name, begins before any board
// without a battery clock can think it is, and does not end (RFC 5280, section
// 4.1.2.5).
func makeCertificate() (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a call key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate number: %w", err)
	}
	name := pkix.Name{CommonName: "WebRTC"}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		Issuer:       name,
		NotBefore:    time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a call certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("make a call certificate: %w", err)
	}
	return key, cert, nil
}

// storeCertificate writes key and cert to file so that after a power cut there
// is either the old content or all of the new.
func storeCertificate(file string, key *ecdsa.PrivateKey, cert *x509.Certificate) (err error) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the call key: %w", err)
	}
	var text bytes.Buffer
	for _, block := range []*pem.Block{
		{Type: "CERTIFICATE", Bytes: cert.Raw},
		{Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := pem.Encode(&text, block); err != nil {
			return fmt.Errorf("encode certificate %s: %w", file, err)
		}
	}
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".rtc-cert-*") // mode 0600
	if err != nil {
		return fmt.Errorf("store certificate %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text.Bytes())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write certificate %s: %w", file, err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return fmt.Errorf("put certificate in place: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory of certificate %s: %w", file, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory of certificate %s: %w", file, err)
	}
	return nil
}
