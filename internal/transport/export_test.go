package transport

// Remembered returns on how many resources somebody works, or has worked with an outcome that is unknown.
func (c *Client) Remembered() int {
	c.resources.mu.Lock()
	defer c.resources.mu.Unlock()
	return len(c.resources.used)
}
