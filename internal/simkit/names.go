package simkit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// StableID makes a UUID of names, the same in every run.
func StableID(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return formatID(sum[:16])
}

// FreshID makes a UUID that no other server has.
func FreshID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails, says its documentation
	return formatID(raw)
}

func formatID(raw []byte) string {
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80 // version 4
	digits := hex.EncodeToString(raw)
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
