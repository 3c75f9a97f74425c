package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
)

// checksum is what a file is held against.
type checksum struct {
	algorithm string
	hash      func() hash.Hash
	sum       []byte
}

var algorithms = map[string]func() hash.Hash{"SHA-512": sha512.New, "SHA-256": sha256.New}

// parseChecksum reads the name of an algorithm and hexadecimal digits, as in "SHA-512:0A:1B…".
func parseChecksum(text string) (checksum, error) {
	algorithm, digits, _ := strings.Cut(strings.TrimSpace(text), ":")
	algorithm = strings.ToUpper(algorithm)
	if name, found := strings.CutPrefix(algorithm, "SHA"); found && !strings.HasPrefix(name, "-") {
		algorithm = "SHA-" + name
	}
	create, known := algorithms[algorithm]
	if !known {
		return checksum{}, fmt.Errorf("checksum %q: the algorithm is neither SHA-512 nor SHA-256", text)
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(sum) != create().Size() {
		return checksum{}, fmt.Errorf("checksum %q: not %d bytes in hexadecimal", text, create().Size())
	}
	return checksum{algorithm: algorithm, hash: create, sum: sum}, nil
}

func (c checksum) matches(sum []byte) bool { return bytes.Equal(sum, c.sum) }

// format writes a sum as the services do.
func (c checksum) format(sum []byte) string {
	var text strings.Builder
	text.WriteString(c.algorithm)
	for _, b := range sum {
		fmt.Fprintf(&text, ":%02X", b)
	}
	return text.String()
}

// digest computes a checksum on a goroutine of its own, because that takes longer than to receive and write
// the same bytes. It ends with close.
type digest struct {
	hash  hash.Hash
	input chan hashed
	free  chan<- []byte
	ended chan struct{}
}

// hashed is a chunk to be hashed, or the question for the sum of those before it.
type hashed struct {
	buffer []byte
	length int
	sum    chan<- []byte
}

// newDigest returns a digest that gives the buffers it is done with back to free.
func newDigest(h hash.Hash, free chan<- []byte) *digest {
	d := &digest{hash: h, input: make(chan hashed, cap(free)), free: free, ended: make(chan struct{})}
	go d.run()
	return d
}

func (d *digest) run() {
	defer close(d.ended)
	for next := range d.input {
		if next.sum != nil {
			next.sum <- d.hash.Sum(nil)
			continue
		}
		d.hash.Write(next.buffer[:next.length])
		d.free <- next.buffer
	}
}

// add takes over a buffer until it is hashed.
func (d *digest) add(buffer []byte, length int) { d.input <- hashed{buffer: buffer, length: length} }

// sum returns the sum of all that was added.
func (d *digest) sum() []byte {
	sum := make(chan []byte, 1)
	d.input <- hashed{sum: sum}
	return <-sum
}

// same reports whether another hash has come to the same sum.
func (d *digest) same(other io.Writer) bool {
	h, ok := other.(hash.Hash)
	return ok && bytes.Equal(h.Sum(nil), d.sum())
}

// close ends the goroutine. Nothing may be added after it.
func (d *digest) close() {
	close(d.input)
	<-d.ended
}
