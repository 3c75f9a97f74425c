package unitrendstest

// RequestID returns the id of the newest request of a source to this appliance, or 0.
func (s *Server) RequestID(source string) int {
	a := s.lock()
	defer a.mu.Unlock()
	id := 0
	for _, r := range a.requests {
		if r.target == a && r.source.name == source {
			id = r.id
		}
	}
	return id
}

// SystemID returns the id that an appliance has at this one, which has 1 itself, or 0.
func (s *Server) SystemID(name string) int {
	a := s.lock()
	defer a.mu.Unlock()
	if name == a.name {
		return localSystem
	}
	for _, known := range a.systems {
		if known.of.name == name {
			return known.id
		}
	}
	return 0
}

// TargetID returns the id of a target that this appliance has asked, or 0.
func (s *Server) TargetID(name string) int {
	a := s.lock()
	defer a.mu.Unlock()
	for _, t := range a.targets {
		if t.of.name == name {
			return t.id
		}
	}
	return 0
}

// StorageID returns the id of a storage area of this appliance, or 0.
func (s *Server) StorageID(name string) int {
	a := s.lock()
	defer a.mu.Unlock()
	for i, known := range a.storage {
		if known == name {
			return i + 1
		}
	}
	return 0
}

// StorageOf returns the id of the storage area that the copies of a source go to, or 0 if none was named.
func (s *Server) StorageOf(source string) int {
	a := s.lock()
	defer a.mu.Unlock()
	for _, known := range a.systems {
		if known.of.name == source {
			return known.storage
		}
	}
	return 0
}

// AssetID returns the id of an asset, which a job order takes, or 0.
func (s *Server) AssetID(name string) int {
	a := s.lock()
	defer a.mu.Unlock()
	if known := a.assetNamed(name); known != nil {
		return known.id
	}
	return 0
}

// BackupIDs returns the ids of the backups of an asset that this appliance has, copies of sources' included, in
// the order in which it got them.
func (s *Server) BackupIDs(asset string) []int {
	a := s.lock()
	defer a.mu.Unlock()
	var ids []int
	for _, b := range a.backups {
		if b.asset.name == asset {
			ids = append(ids, b.id)
		}
	}
	return ids
}

// QueueLength returns how many copies of this source are under way, and how many wait.
func (s *Server) QueueLength() (active, waiting int) {
	a := s.lock()
	defer a.mu.Unlock()
	for _, item := range a.queue {
		if item.job != 0 {
			active++
		}
	}
	return active, len(a.queue) - active
}
