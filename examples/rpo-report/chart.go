package main

import "github.com/drkit-go/drkit/cloudreplica"

// The chart has one histogram for each tenant. All have the same scale, in parts of the RPO that holds for a machine:
// the RPO is in the middle, twice the RPO at the end, and whatever is older stands apart behind it. So it stays small,
// however many machines there are.
const (
	binsToRPO   = 24 // from no age at all to the RPO
	binsOnScale = 2 * binsToRPO
	binsInAll   = binsOnScale + 1 // with the one for all that is older
)

// Measures in the coordinates of the drawing, which is 100 wide and 24 high.
const (
	scaleWidth = 92.0
	olderAt    = 95.0
	olderWidth = 5.0
	fullHeight = 24.0
	leastSeen  = 4.0 // height of the bar of one machine, however many there are elsewhere
)

// histogram counts machines by the age of their newest point, and by class.
type histogram [binsInAll]map[class]int

func histogramOf(g group) histogram {
	var counted histogram
	for _, m := range g.Machines {
		if m.Created.IsZero() {
			continue
		}
		at := binOf(m)
		if counted[at] == nil {
			counted[at] = map[class]int{}
		}
		counted[at][m.Class]++
	}
	return counted
}

// binOf puts an age that is exactly the RPO before the line: it keeps to it.
func binOf(m cloudreplica.InventoryVM) int {
	if m.Age <= 0 || m.RPO <= 0 {
		return 0
	}
	return min(int((float64(m.Age)-1)*binsToRPO/float64(m.RPO)), binsOnScale)
}

func (h histogram) tallest() int {
	most := 0
	for _, bin := range h {
		most = max(most, total(bin))
	}
	return most
}

func total(bin map[class]int) int {
	n := 0
	for _, one := range bin {
		n += one
	}
	return n
}

// bar is a rectangle of the drawing.
type bar struct {
	Class               string
	X, Y, Width, Height float64
}

// bars draws a histogram of which the tallest bar would have so many machines.
func (h histogram) bars(most int) []bar {
	var drawn []bar
	for i, bin := range h {
		if total(bin) == 0 {
			continue
		}
		const step = scaleWidth / binsOnScale
		x, width := float64(i)*step+step/10, step*8/10
		if i == binsOnScale {
			x, width = olderAt+0.5, olderWidth-1
		}
		height := max(leastSeen, fullHeight*float64(total(bin))/float64(most))
		bottom := fullHeight
		for _, of := range classes {
			part := height * float64(bin[of.class]) / float64(total(bin))
			if part == 0 {
				continue
			}
			bottom -= part
			drawn = append(drawn, bar{Class: mark(of.class), X: round(x), Y: round(bottom), Width: round(width), Height: round(part)})
		}
	}
	return drawn
}

func round(x float64) float64 { return float64(int(x*100+0.5)) / 100 }
