package vcavtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// ReplicationID returns the id that a replication has unless its [Replication] names another: "C4-" and a
// UUID made from the name of its machine, so that it is the same in every run.
func ReplicationID(vmName string) string { return "C4-" + stableID("vm-replication", vmName) }

// stableID makes a UUID of names.
func stableID(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return formatID(sum[:16])
}

// freshID makes a UUID that no other server has.
func freshID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails, says its documentation
	return formatID(raw)
}

func formatID(raw []byte) string {
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80 // version 4
	digits := hex.EncodeToString(raw)
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// freshToken makes a session token. Like real ones it is base64; every one of ours has all the characters
// that clients get wrong: plus, slash and the equals sign.
func freshToken() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	copy(raw, []byte{0xfb, 0xff, 0xbf}) // "+/+/"
	return base64.StdEncoding.EncodeToString(raw)
}
