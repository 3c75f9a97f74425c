// Package checkpoints is a client for Cloud Backup and Recovery (CBR) v3, the backup service of Huawei Cloud, Open
// Telekom Cloud and their relatives.
package checkpoints
