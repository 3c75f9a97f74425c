package checkpoints

// FollowOption says how a poller finds out what becomes of a copy to another region.
type FollowOption func(*following)

// following is what options say.
type following struct{ destination *Client }

// FollowAt lets a poller look into the destination vault, with a client of that region and project, where neither
// records nor tasks of the source tell what became of a copy: in clouds without records, once the tasks are
// forgotten. The client is not closed with the poller. Without it such copies count as gone.
func FollowAt(destination *Client) FollowOption {
	return func(f *following) { f.destination = destination }
}

func followingBy(options []FollowOption) following {
	var f following
	for _, option := range options {
		if option != nil {
			option(&f)
		}
	}
	return f
}
