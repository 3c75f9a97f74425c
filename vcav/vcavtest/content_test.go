package vcavtest

import (
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContent(t *testing.T) {
	t.Parallel()
	c := newContent("a", 10_003)
	whole, err := io.ReadAll(io.NewSectionReader(c, 0, 1<<20))
	require.NoError(t, err)
	require.Len(t, whole, 10_003)
	require.NoError(t, iotest.TestReader(io.NewSectionReader(c, 0, c.size), whole))
	c.flipped = []int64{15, 16, 10_002}
	for _, at := range c.flipped {
		whole[at] ^= 1
	}
	require.NoError(t, iotest.TestReader(io.NewSectionReader(c, 0, c.size), whole))

	longer, err := io.ReadAll(io.NewSectionReader(newContent("a", 10_004), 0, 1<<20))
	require.NoError(t, err)
	whole[15] ^= 1
	assert.Equal(t, whole[:16], longer[:16], "the size changes nothing")
	other, err := io.ReadAll(io.NewSectionReader(newContent("b", 16), 0, 16))
	require.NoError(t, err)
	assert.NotEqual(t, longer[:16], other)
	for _, outside := range []int64{-1, 10_003, 1 << 40} {
		_, err := c.ReadAt(make([]byte, 1), outside)
		require.ErrorIs(t, err, io.EOF)
	}
}

func BenchmarkContent(b *testing.B) {
	c := newContent("a", 1<<40)
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	at := int64(0)
	for b.Loop() {
		if _, err := c.ReadAt(p, at); err != nil {
			b.Fatal(err)
		}
		at += int64(len(p))
	}
}
