// Package checkpointstest is a Cloud Backup and Recovery service.
package checkpointstest
