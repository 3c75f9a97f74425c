package simkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// certificate is a server's own self-signed certificate, as appliances ship with.
type certificate struct {
	pair       tls.Certificate
	pool       *x509.CertPool
	thumbprint string // "SHA-256:AA:BB:…"
}

// newCertificate makes a certificate for host, localhost and the loopback addresses.
func newCertificate(host string) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("making the simulator's key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return certificate{}, fmt.Errorf("making the simulator's serial number: %w", err)
	}
	// Bubbles of testing/synctest start in the year 2000 and may run for hours of their own time.
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: host, Organization: []string{"drkit simulator"}},
		NotBefore:             time.Date(1990, time.January, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2150, time.January, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{host, "localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return certificate{}, fmt.Errorf("signing the simulator's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return certificate{}, fmt.Errorf("reading the simulator's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return certificate{
		pair:       tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf},
		pool:       pool,
		thumbprint: thumbprint(raw),
	}, nil
}

// thumbprint writes the SHA-256 of a certificate the way appliances print it.
func thumbprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return "SHA-256:" + strings.Join(pairs, ":")
}
