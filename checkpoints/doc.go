// Package checkpoints is under construction.
package checkpoints
