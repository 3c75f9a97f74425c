package vcavtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// content is what a support bundle holds: as many bytes as one wants, made of its id and of where they are,
// so that none are ever kept. They are no archive.
type content struct {
	block   cipher.Block
	size    int64
	flipped []int64 // where a bit is wrong
}

func newContent(id string, size int64) content {
	key := sha256.Sum256([]byte("support bundle\x00" + id))
	block, _ := aes.NewCipher(key[:]) // takes any 32 bytes
	return content{block: block, size: size}
}

// ReadAt reads from any place, as [io.ReaderAt] wants it.
func (c content) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset >= c.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-offset))
	c.fill(p[:n], offset)
	for _, at := range c.flipped {
		if i := at - offset; i >= 0 && i < int64(n) {
			p[i] ^= 1
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fill writes the key stream of AES in counter mode, which can begin anywhere and is as fast as memory.
func (c content) fill(p []byte, offset int64) {
	var counter, skipped [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(offset/aes.BlockSize)) //nolint:gosec // offsets are not negative
	stream := cipher.NewCTR(c.block, counter[:])
	within := offset % aes.BlockSize
	stream.XORKeyStream(skipped[:within], skipped[:within])
	clear(p)
	stream.XORKeyStream(p, p)
}

// checksum is written as appliances do.
func (c content) checksum() string {
	hash := sha512.New()
	_, _ = io.Copy(hash, io.NewSectionReader(c, 0, c.size)) // neither of them fails
	return "SHA-512:" + strings.ReplaceAll(fmt.Sprintf("% X", hash.Sum(nil)), " ", ":")
}
