package vcavtest

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// seriesBody is a history.
type seriesBody struct {
	Label    string       `json:"label"`
	Interval string       `json:"interval"`
	Start    int64        `json:"start"`
	End      int64        `json:"end"`
	Samples  []sampleBody `json:"samples"`
}

type sampleBody struct {
	Timestamp int64      `json:"timestamp"`
	Bytes     javaDouble `json:"bytes"`
}

// javaDouble is a number as appliances write it: 27950.0, and from ten million on 1.2345678E7.
type javaDouble float64

// MarshalJSON writes the number as Java's Double.toString does. There are no infinite ones here.
func (d javaDouble) MarshalJSON() ([]byte, error) {
	if d < 1e7 {
		whole := strconv.AppendFloat(nil, float64(d), 'f', -1, 64)
		if !bytes.Contains(whole, []byte(".")) {
			whole = append(whole, ".0"...)
		}
		return whole, nil
	}
	short := strconv.AppendFloat(nil, float64(d), 'E', -1, 64) // as in 1.2345678E+07, or 2E+07
	mantissa, exponent, _ := bytes.Cut(short, []byte("E+"))
	if !bytes.Contains(mantissa, []byte(".")) {
		mantissa = append(bytes.Clone(mantissa), ".0"...)
	}
	return append(append(bytes.Clone(mantissa), 'E'), bytes.TrimLeft(exponent, "0")...), nil
}

const slot = 5 * time.Minute

// mostSamples keeps a careless question from filling the memory; nobody documents a limit.
const mostSamples = 100_000

// latestMoment is the end of the year 9999, beyond which times make no sense.
const latestMoment = 253402300799999

func (a *appliance) traffic(call *simkit.Call, v *visit) (any, error) {
	return a.history(call, v, func(r *replication, at time.Time, interval time.Duration) float64 {
		sum := 0.0 // of the interval that ends here
		for t := at.Add(slot - interval); !t.After(at); t = t.Add(slot) {
			sum += trafficAt(r, t)
		}
		return sum
	})
}

func (a *appliance) diskUsage(call *simkit.Call, v *visit) (any, error) {
	return a.history(call, v, func(r *replication, at time.Time, _ time.Duration) float64 { return diskUsageAt(r, at) })
}

// trafficAt is what five minutes have transferred: a few KB, the same whenever one asks.
func trafficAt(r *replication, at time.Time) float64 {
	return float64(1<<10 + dice(r.id, "traffic", at)%(8<<10))
}

// diskUsageAt is what the replica takes: some GB that swing by some MB.
func diskUsageAt(r *replication, at time.Time) float64 {
	base := 1<<30 + dice(r.id, "disk", time.Time{})%(16<<30)
	return float64(base + dice(r.id, "disk", at)%(64<<20))
}

// dice makes a number of a name and a moment.
func dice(id, what string, at time.Time) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(id + "\x00" + what + "\x00"))
	_, _ = hash.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))) //nolint:gosec // any bits will do
	sum := hash.Sum64()
	return sum ^ sum>>32
}

// history answers the samples of a replication from start to end, both included, at the full multiples of
// the interval, as in the guide's sample. There are none of the future, and none from before the start of a
// replication that was started while the server ran.
func (a *appliance) history(call *simkit.Call, v *visit, value func(*replication, time.Time, time.Duration) float64) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	name := or(call.Query.Get("interval"), "HOUR")
	interval, known := map[string]time.Duration{"FIVE_MINUTES": slot, "HOUR": time.Hour, "DAY": 24 * time.Hour}[name]
	if !known {
		return nil, badParameter("interval", name)
	}
	now := a.now
	end, err := moment(call, "end", now)
	if err != nil {
		return nil, err
	}
	start, err := moment(call, "start", now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	body := seriesBody{Label: r.id, Interval: name, Start: millis(start), End: millis(end), Samples: []sampleBody{}}
	if start.After(end) {
		return nil, refuse(http.StatusBadRequest, CodeBadUserInput, "The start must not be after the end.")
	}
	from, to := start, end
	if from.Before(r.since) {
		from = r.since
	}
	if to.After(now) {
		to = now
	}
	if to.Sub(from)/interval > mostSamples {
		return nil, refuse(http.StatusBadRequest, CodeBadUserInput, "More than %d samples are too many.", mostSamples)
	}
	first := time.UnixMilli((from.UnixMilli() + interval.Milliseconds() - 1) / interval.Milliseconds() * interval.Milliseconds())
	for at := first; !at.After(to); at = at.Add(interval) {
		body.Samples = append(body.Samples, sampleBody{Timestamp: at.UnixMilli(), Bytes: javaDouble(value(r, at, interval))})
	}
	return body, nil
}

// moment reads a time in milliseconds.
func moment(call *simkit.Call, name string, otherwise time.Time) (time.Time, error) {
	text := call.Query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 || ms > latestMoment {
		return time.Time{}, badParameter(name, text)
	}
	return time.UnixMilli(ms), nil
}
