// Package clouds makes clients of package checkpoints from clouds.yaml, the file in which the tools of OpenStack keep
// what they know of clouds. It is a package of its own so that only those who read that file link YAML.
//
// The files clouds.yaml, secure.yaml and clouds-public.yaml are looked for in the current folder, in openstack below
// the user's configuration folder ($XDG_CONFIG_HOME, or .config in the home folder), and in /etc/openstack; of each
// the first that is there counts. OS_CLIENT_CONFIG_FILE, OS_CLIENT_SECURE_FILE and OS_CLIENT_VENDOR_FILE name others,
// which come before.
package clouds
