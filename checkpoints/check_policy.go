package checkpoints

import (
	"errors"
	"fmt"

	"github.com/drkit-go/drkit"
)

func (p PolicyCreate) check() error {
	if p.OperationType != PolicyOperationBackup && p.OperationType != PolicyOperationReplication {
		return fmt.Errorf("an operation type of %q: it is backup or replication", string(p.OperationType))
	}
	return errors.Join(plainName(p.Name), p.OperationDefinition.checkFor(p.OperationType),
		CheckPatterns(p.Trigger.Properties.Pattern))
}

func (p PolicyUpdate) check() error {
	var errs []error
	if name, there := p.Name.Get(); there {
		errs = append(errs, plainName(name))
	}
	if definition, there := p.OperationDefinition.Get(); there {
		errs = append(errs, definition.check())
	}
	if trigger, there := p.Trigger.Get(); there {
		errs = append(errs, CheckPatterns(trigger.Properties.Pattern))
	}
	return errors.Join(errs...)
}

func (p OrganizationPolicyCreate) check() error {
	return errors.Join(filled("name", p.Name), filled("policy name", p.PolicyName),
		p.PolicyOperationDefinition.checkFor(p.OperationType), CheckPatterns(p.PolicyTrigger.Properties.Pattern))
}

// checkFor checks a definition for what its policy does.
func (d OperationDefinition) checkFor(operation PolicyOperation) error {
	if operation == PolicyOperationReplication && (d.DestinationRegion.Or("") == "" || d.DestinationProjectID.Or("") == "") {
		return errors.New("replication needs a destination region and a destination project id")
	}
	return d.check()
}

func (d OperationDefinition) check() error {
	counts := 0
	for _, count := range []drkit.Opt[int]{d.DayBackups, d.WeekBackups, d.MonthBackups, d.YearBackups} {
		n := count.Or(0)
		if n < 0 || n > 100 {
			return fmt.Errorf("%d days, weeks, months or years: 0 to 100", n)
		}
		counts += n
	}
	days, most := d.RetentionDurationDays.Or(0), d.MaxBackups.Or(0)
	switch {
	case days != 0 && most != 0 && (days != -1 || most != -1):
		return errors.New("a retention and a number of backups: it is one of the two")
	case days != 0 && counts > 0:
		return errors.New("a retention and numbers for days, weeks, months or years: it is one of the two")
	case counts > 0 && d.Timezone.Or("") == "":
		return errors.New("numbers for days, weeks, months or years need a time zone")
	}
	return errors.Join(limit("retention", days), limit("number of backups", most), checkFull(d.FullBackupInterval.Or(0)))
}

// limit checks days or backups that are kept: 0 stands for none said, and -1 for all.
func limit(what string, n int) error {
	const most = 99999
	if n < -1 || n > most {
		return fmt.Errorf("a %s of %d: 1 to %d, or -1 for ever", what, n, most)
	}
	return nil
}

func checkFull(interval int) error {
	if interval < -1 || interval > 100 {
		return fmt.Errorf("a full backup after %d others: up to 100, or -1 for never", interval)
	}
	return nil
}
